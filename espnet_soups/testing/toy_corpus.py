"""Make a toy corpus that can be learnt in seconds: every letter has a feature vector of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from espnet_soups.objectives.language_codes import split_pairs

LETTERS = "abcdefgh "
FRAMES_PER_LETTER = 4


@dataclass(frozen=True)
class ToyCorpus:
    """Toy corpus on disk.

    Attributes:
        root: Its folder.
        arguments: Options of `msp_train`, without encoder and trainer.
    """

    root: Path
    arguments: tuple[str, ...]


@dataclass(frozen=True)
class ToyExperiment:
    """Toy model that was trained.

    Attributes:
        exp_dir: The folder that training wrote.
        corpus: The corpus it was trained on.
    """

    exp_dir: Path
    corpus: ToyCorpus


def make_toy_corpus(
    root: Path,
    languages: Sequence[str] = ("en", "fr", "es"),
    pairs: Sequence[str] = ("fr_en", "es_en"),
    utterances: int = 12,
    dimension: int = 8,
    seed: int = 0,
) -> ToyCorpus:
    """Write features, labels, token lists, shapes and statistics.

    A "language" shifts the alphabet; the translation of an utterance is its text, reversed.

    Args:
        root: An existing folder.
        languages: Languages that are recognised.
        pairs: Pairs that are translated.
        utterances: Utterances of each language and set.
        dimension: Feature dimension.
        seed: Seed of all that is random.

    Returns:
        The corpus.
    """
    import kaldiio

    random = np.random.default_rng(seed)
    vectors = random.normal(size=(len(LETTERS), dimension))
    translated = split_pairs(pairs, languages)
    sources = {source for source, _ in translated}
    targets = sorted({target for _, target in translated})
    for name in ("train", "valid"):
        folder = root / name
        folder.mkdir(parents=True, exist_ok=True)
        features: dict[str, np.ndarray] = {}
        rows: dict[str, dict[str, str]] = {"text": {}, "utt2lang": {}}
        rows |= {f"text.{target}": {} for target in targets}
        for shift, language in enumerate(sorted(languages)):  # ESPnet wants sorted keys
            for number in range(utterances):
                key = f"{language}-{number:03d}"
                text = "".join(random.choice(list("abcdefgh"), random.integers(3, 7)))
                codes = [(LETTERS.index(letter) + shift) % len(LETTERS) for letter in text]
                frames = np.repeat(vectors[codes], FRAMES_PER_LETTER, axis=0)
                noise = 0.1 * random.normal(size=frames.shape)
                features[key] = (frames + noise).astype(np.float32)
                rows["text"][key] = text
                rows["utt2lang"][key] = language
                for target in targets:
                    label = text[::-1] if language in sources else "<na>"
                    rows[f"text.{target}"][key] = label
        kaldiio.save_ark(str(folder / "feats.ark"), features, scp=str(folder / "feats.scp"))
        for file, values in rows.items():
            _write(folder / file, values)
        shapes = {key: f"{len(value)},{dimension}" for key, value in features.items()}
        _write(folder / "speech_shape", shapes)
    tokens = ["<blank>", "<unk>", *(letter for letter in LETTERS if letter != " "), "<sos/eos>"]
    (root / "tokens.txt").write_text("\n".join(tokens) + "\n", encoding="utf-8")
    return ToyCorpus(root, tuple(_arguments(root, languages, pairs, targets, dimension)))


def _write(path: Path, values: Mapping[str, str]) -> None:
    lines = [f"{key} {value}" for key, value in sorted(values.items())]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _arguments(
    root: Path,
    languages: Sequence[str],
    pairs: Sequence[str],
    targets: Sequence[str],
    dimension: int,
) -> list[str]:
    arguments = ["--input_size", str(dimension), "--normalize", "none", "--num_workers", "0"]
    for name in ("train", "valid"):
        files = [f"{root}/{name}/feats.scp,speech,kaldi_ark", f"{root}/{name}/utt2lang,lang,text"]
        files.append(f"{root}/{name}/text,text,text")
        files += [f"{root}/{name}/text.{target},text_{target},text" for target in targets]
        for file in files:
            arguments += [f"--{name}_data_path_and_name_and_type", file]
        arguments += [f"--{name}_shape_file", f"{root}/{name}/speech_shape"]
    for language in languages:
        arguments += ["--asr_token_list", f"{language}={root}/tokens.txt"]
    for target in targets:
        arguments += ["--st_token_list", f"{target}={root}/tokens.txt"]
    return [*arguments, "--st_pairs", *pairs]
