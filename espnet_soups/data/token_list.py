"""Make, read and check token lists of characters or of pieces of a sentencepiece model."""

import io
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from functools import lru_cache
from pathlib import Path

from espnet_soups.data.data_dir import NO_LABEL, check_same_keys, read_labels
from espnet_soups.data.unknown_tokens import count_unknown, judge_unknown
from espnet_soups.files import read_lines, read_table, whole_file

BLANK, UNKNOWN, SOS_EOS, SPACE = "<blank>", "<unk>", "<sos/eos>", "<space>"


def read_labels_of(folder: Path, name: str, language: str | None) -> dict[str, str]:
    """Read the labels of one language.

    Args:
        folder: A data dir.
        name: `text`, or `text.<target>`.
        language: The spoken language; None: any.

    Returns:
        Utterance id to label, without those that are missing.

    Raises:
        OSError: If a file is missing.
        ValueError: If a file is malformed, or there is no label in that language.
    """
    labels_path, languages_path = folder / name, folder / "utt2lang"
    stamps = tuple(
        (path.stat().st_mtime_ns, path.stat().st_size) for path in (labels_path, languages_path)
    )
    labels, spoken = _read_set(labels_path, languages_path, stamps)
    chosen = {
        key: text
        for key, text in labels.items()
        if text != NO_LABEL and language in (None, spoken[key])
    }
    if not chosen:
        raise ValueError(
            f"{labels_path} has no label in language {language!r}; {languages_path} has"
            f" {sorted(set(spoken.values()))}."
        )
    return chosen


@lru_cache(maxsize=2)  # lists of many languages come from the same training and validation set
def _read_set(
    labels_path: Path, languages_path: Path, stamps: Hashable
) -> tuple[dict[str, str], dict[str, str]]:
    """Read labels and languages; `stamps` changes when a file does."""
    labels, spoken = read_labels(labels_path), read_table(languages_path)
    check_same_keys(labels_path, labels, languages_path, spoken)
    return labels, spoken


def token_cutter(token_type: str, folder: Path) -> Callable[[str], list[str]]:
    """Return a function that cuts a text into tokens, as training does.

    Args:
        token_type: `char` or `bpe`.
        folder: Folder of `bpe.model`, for `bpe`.
    """
    if token_type == "char":
        return lambda text: [SPACE if letter == " " else letter for letter in text]
    import sentencepiece

    processor = sentencepiece.SentencePieceProcessor(str(folder / "bpe.model"))
    cut: Callable[[str], list[str]] = processor.encode_as_pieces
    return cut


def char_tokens(texts: Iterable[str]) -> list[str]:
    """List the characters of texts, the frequent ones first, between ESPnet's special tokens.

    Args:
        texts: The texts.

    >>> char_tokens(["ab a"])
    ['<blank>', '<unk>', 'a', '<space>', 'b', '<sos/eos>']
    """
    counts = Counter(letter for text in texts for letter in text)
    letters = sorted(counts, key=lambda letter: (-counts[letter], letter))
    return [BLANK, UNKNOWN, *(SPACE if x == " " else x for x in letters), SOS_EOS]


def train_sentencepiece(texts: Iterable[str], folder: Path, size: int, mode: str) -> list[str]:
    """Train a sentencepiece model.

    The model normalises nothing, so that the pieces of a text, joined, are the text itself.

    Args:
        texts: Training texts, as `clean_label` returns them.
        folder: Folder for `bpe.model` and `bpe.vocab`.
        size: Number of pieces, including sentencepiece's own special ones; `char` ignores it.
        mode: `unigram`, `bpe` or `char`. `char` makes every character a piece, without a piece for
            the beginning of a text: for scripts without spaces, such as Chinese.

    Returns:
        The token list: special tokens and pieces.

    Raises:
        ValueError: If sentencepiece cannot make so many pieces from the texts.
    """
    import sentencepiece

    model, sentences = io.BytesIO(), list(texts)
    options: dict[str, object] = {"vocab_size": size}
    if mode == "char":
        options = {"use_all_vocab": True, "add_dummy_prefix": False}
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(sentences),
            normalization_rule_name="identity",  # labels are normalised once, by `clean_label`
            max_sentence_length=max(4192, *(4 * len(text) for text in sentences)),  # none skipped
            model_writer=model,
            model_type=mode,
            character_coverage=1.0,
            bos_id=-1,
            eos_id=-1,
            minloglevel=2,
            num_threads=1,  # the same pieces on every machine
            **options,
        )
    except (RuntimeError, OSError) as error:
        raise ValueError(
            f"Sentencepiece cannot make {size} {mode} pieces for {folder} ({error}): choose another"
            " number by `--asr_nbpe` or `--st_nbpe`, or name a language of many characters in"
            " `--asr_char_langs` or `--st_char_langs`."
        ) from error
    processor = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    pieces = [processor.id_to_piece(i) for i in range(processor.vocab_size())]
    _write_changed(folder / "bpe.model", model.getvalue())
    rows = [f"{piece}\t{processor.get_score(i)}\n" for i, piece in enumerate(pieces)]
    _write_changed(folder / "bpe.vocab", "".join(rows).encode())
    return [BLANK, UNKNOWN, *(p for p in pieces if p != "<unk>"), SOS_EOS]


def has_pieces(model: Path, tokens: Iterable[str]) -> bool:
    """Return whether a sentencepiece model has all pieces of a token list, so that they may match.

    Args:
        model: Its file; one that cannot be read counts as yes.
        tokens: The token list, including special tokens.
    """
    import sentencepiece

    try:
        processor = sentencepiece.SentencePieceProcessor(str(model))
    except (RuntimeError, OSError):
        return True  # its user will say what is wrong with it
    pieces = {processor.id_to_piece(i) for i in range(processor.vocab_size())}
    return set(tokens) <= pieces | {BLANK, UNKNOWN, SOS_EOS}


def check_tokens(tokens: object, name: str) -> None:
    """Refuse a bad token list: CTC takes the first token for its blank, decoders need an end.

    Args:
        tokens: The list.
        name: How messages name it.

    Raises:
        ValueError: If it holds something else than texts or a token twice, does not begin with
            `<blank>`, does not end with `<sos/eos>` or lacks `<unk>`.
    """
    if not isinstance(tokens, list | tuple) or not all(isinstance(one, str) for one in tokens):
        raise ValueError(f"{name} must be a list of tokens, each a text, but is {tokens!r:.80}.")
    if len(set(tokens)) < len(tokens):
        twice = next(token for token, count in Counter(tokens).items() if count > 1)
        raise ValueError(f"{name} has the token {twice!r} twice: keep one of them.")
    if tokens[:1] != type(tokens)([BLANK]) or tokens[-1] != SOS_EOS or UNKNOWN not in tokens:
        raise ValueError(
            f"{name} must begin with {BLANK}, have {UNKNOWN}, and end with {SOS_EOS}, as stage 5"
            f" writes it, but is {[*tokens[:2], '…', *tokens[-1:]]}."
        )


def read_token_list(path: Path) -> list[str]:
    """Read a token list, one token per line.

    Args:
        path: The file.

    Raises:
        OSError: If there is no such file.
        ValueError: If a line is empty or not UTF-8, or the list is not valid; see `check_tokens`.
    """
    tokens = list(read_lines(path))
    if "" in tokens:
        raise ValueError(f"{path}:{tokens.index('') + 1}: the line is empty; expected a token.")
    check_tokens(tokens, str(path))
    return tokens


def write_token_list(folder: Path, tokens: Iterable[str]) -> None:
    """Write `tokens.txt`, one token per line.

    Args:
        folder: The folder of the file.
        tokens: The tokens.
    """
    _write_changed(folder / "tokens.txt", "".join(f"{token}\n" for token in tokens).encode())


def make_token_list(
    train: Path,
    others: Sequence[Path],
    label_file: str,
    spoken: str | None,
    folder: Path,
    token_type: str,
    bpemode: str,
    nbpe: int,
) -> tuple[str, list[str]]:
    """Make the token list of the labels of a training set.

    Args:
        train: Folder of the training set.
        others: Folders of sets whose labels the list must spell, too.
        label_file: `text`, or `text.<target>`.
        spoken: The language of the utterances; None: all.
        folder: Folder of the list.
        token_type: `char` or `bpe`.
        bpemode: See `train_sentencepiece`.
        nbpe: Number of pieces, for `bpe`.

    Returns:
        (a line that says what was made, warnings of labels that the list cannot spell).

    Raises:
        OSError: If a file is missing.
        ValueError: If there is no label, sentencepiece cannot make so many pieces, or most labels
            of a set cannot be spelt.
    """
    texts = list(read_labels_of(train, label_file, spoken).values())
    if token_type == "char":
        tokens = char_tokens(texts)
    else:
        tokens = train_sentencepiece(texts, folder, nbpe, bpemode)
    to_tokens, path = token_cutter(token_type, folder), folder / "tokens.txt"
    found = []
    for source in (train, *others):
        labels = read_labels_of(source, label_file, spoken)
        name = f"{source / label_file}{f' ({spoken})' if spoken else ''}"
        found.append(judge_unknown(count_unknown(labels, to_tokens, set(tokens)), name, str(path)))
    write_token_list(folder, tokens)
    line = f"{path}: {len(tokens)} tokens from {len(texts)} labels"
    return line, [warning for warning in found if warning is not None]


def _write_changed(path: Path, content: bytes) -> None:
    """Write a file unless its content is the same: runs that share it check when it changed."""
    if path.is_file() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as temporary:
        temporary.write_bytes(content)
