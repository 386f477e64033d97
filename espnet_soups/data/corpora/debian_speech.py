"""All transcribed speech that Debian ships: Asterisk prompts, Drascula, festvox-ru, in one corpus.

Three domains, five languages that are spoken, six that are written. What the corpora have without
texts is a set of audio without labels.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from espnet_soups.data.corpora import asterisk_parallel, drascula, festvox_ru
from espnet_soups.data.corpora.asterisk import SEED, SHARES
from espnet_soups.data.corpora.debian_packages import fetch_package
from espnet_soups.data.corpora.parallel_speech import Corpus, LeftOut, Speech
from espnet_soups.data.data_dir import NO_LABEL, DataDir, write_data_dir
from espnet_soups.data.split import group_by_shared, split_groups
from espnet_soups.files import write_text

TARGETS = ("de", "en", "es", "fr", "it", "ru")
TRAINING_SETS = ("train", "dev")
UNLABELLED = "unlabeled"
BLOCK = {drascula.NAME: 10, festvox_ru.NAME: 20}  # lines or sentences in a row that stay together
GAME = Path("usr/share/scummvm/drascula")


def prepare_debian_speech(
    prompts: Path, downloads: Path, data: Path
) -> tuple[dict[str, list[Speech]], list[LeftOut]]:
    """Write `train`, `dev`, a test set of each corpus, and `unlabeled`.

    Args:
        prompts: As `download_prompts` leaves the Asterisk prompts.
        downloads: Where Debian's packages are, or go.
        data: Where the data dirs go; `removed.tsv` there lists what was left out, and why.

    Returns:
        (name of a set to its recordings, what was left out).

    Raises:
        OSError: If a package cannot be had or lacks a file.
        ValueError: If a list of texts is malformed.
    """
    asterisk, fixed = asterisk_parallel.read_parallel_prompts(prompts)
    for package in asterisk_parallel.VOICES:
        folder = fetch_package(package, downloads)
        asterisk.unlabelled.extend(asterisk_parallel.read_voices(package, folder))
    english, spanish = (fetch_package(f"drascula{end}", downloads) for end in ("", "-spanish"))
    folders = {"en": english / GAME / "en", "es": spanish / GAME / "es"}
    game = drascula.read_drascula(folders, data / "audio" / drascula.NAME)
    prose = festvox_ru.read_festvox_ru(fetch_package("festvox-ru", downloads))
    sets, left_out = divide(asterisk, fixed, [game, prose])
    for name, speeches in sets.items():
        write_data_dir(to_data_dir(data / name, speeches, group_of(speeches)))
    rows = [f"{r.corpus}\t{r.language}\t{r.key}\t{r.reason}\n" for r in left_out]
    write_text(data / "removed.tsv", "corpus\tlanguage\tkey\treason\n" + "".join(rows))
    return sets, left_out


def divide(
    asterisk: Corpus, fixed: Mapping[str, str], others: Sequence[Corpus]
) -> tuple[dict[str, list[Speech]], list[LeftOut]]:
    """Divide all recordings into sets, so that no text of a test set is trained on.

    The prompts keep the sets of `egs2/asterisk`. Of the others, blocks of recordings that follow
    one another are dealt. What shares a text with a prompt, in any language, goes where the prompt
    is; what shares a text with another block goes to `train` unless both are in one set.

    Args:
        asterisk: The prompts.
        fixed: Key of a prompt to its set.
        others: Other corpora.

    Returns:
        (name of a set to its recordings; what was left out).
    """
    left_out = [removal for corpus in (asterisk, *others) for removal in corpus.left_out]
    chosen = {(asterisk_parallel.NAME, key): name for key, name in fixed.items()}
    taken: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for speech in asterisk.labelled:
        for text in speech.texts.items():
            taken[text].add(fixed[speech.key])
    clashes: set[tuple[str, str]] = set()
    for corpus in others:
        for keys, wanted in list(_choose(corpus.labelled, taken)):
            if len(wanted) > 1:
                clashes.update(keys)
            else:
                chosen.update(dict.fromkeys(keys, *wanted))
        for speech in corpus.labelled:
            if name := chosen.get((speech.corpus, speech.key)):
                for text in speech.texts.items():
                    taken[text].add(name)
    sets: defaultdict[str, list[Speech]] = defaultdict(list)
    for speech in (s for corpus in (asterisk, *others) for s in corpus.labelled):
        place = (speech.corpus, speech.key)
        if place in clashes:
            reason = "its texts are in several sets of other corpora"
            left_out.append(LeftOut(speech.corpus, speech.language, speech.key, reason))
            bare = Speech(*place, speech.language, speech.speaker, speech.audio)
            sets[UNLABELLED].append(bare)
        else:
            name = chosen[place]
            sets[name if name in TRAINING_SETS else f"{name}_{speech.corpus}"].append(speech)
    for corpus in (asterisk, *others):
        sets[UNLABELLED].extend(corpus.unlabelled)
    return dict(sets), left_out


def _choose(
    speeches: Sequence[Speech], taken: Mapping[tuple[str, str], set[str]]
) -> Iterable[tuple[list[tuple[str, str]], set[str]]]:
    """Yield the keys of a corpus that share texts, and the sets that may have them."""
    places = {speech.key: (speech.corpus, speech.key) for speech in speeches}
    texts: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
    for speech in speeches:
        texts[speech.key] |= set(speech.texts.items())
    dealt = deal_blocks(list(texts), BLOCK[speeches[0].corpus])
    for group in group_by_shared(texts):
        fixed = {name for key in group for text in texts[key] for name in taken.get(text, ())}
        own = {dealt[key] for key in group}
        wanted = fixed or (own if len(own) == 1 else {"train"})
        yield [places[key] for key in group], wanted


def deal_blocks(keys: Iterable[str], size: int) -> dict[str, str]:
    """Deal keys into sets, in blocks of neighbours; the hero's apart from those of others.

    Args:
        keys: Each ends with a number; what stands before it is a character, nothing for the hero.
        size: How many numbers in a row stay together.

    Returns:
        Key to set.

    >>> deal_blocks(["VB001", "D001"], 10)  # too few for other sets
    {'VB001': 'train', 'D001': 'train'}
    """
    blocks: defaultdict[tuple[str, int], list[str]] = defaultdict(list)
    for key in sorted(keys):
        name = key.rstrip("0123456789")
        blocks[name, int(key[len(name) :]) // size].append(key)
    heros = [block for (name, _), block in blocks.items() if not name]
    others = [block for (name, _), block in blocks.items() if name]
    dealt = split_groups(heros, SHARES, rest="train", seed=SEED)
    return dealt | split_groups(others, SHARES, rest="train", seed=SEED)


def group_of(speeches: Iterable[Speech]) -> dict[str, str]:
    """Return the group of each utterance: keys that share a text in any language are one.

    The bootstrap of the scores draws the members of a group together.

    Args:
        speeches: The recordings of a set.
    """
    texts: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
    names = {speech.utterance: f"{speech.corpus}-{speech.key}" for speech in speeches}
    for speech in speeches:
        texts[names[speech.utterance]] |= set(speech.texts.items())
    groups = {name: group[0] for group in group_by_shared(texts) for name in group}
    return {key: groups[name].replace("/", "_") for key, name in names.items()}


def to_data_dir(path: Path, speeches: Sequence[Speech], groups: Mapping[str, str]) -> DataDir:
    """Put recordings into tables; the transcript is no translation of itself (`<na>`).

    Args:
        path: Folder of the set.
        speeches: Its recordings.
        groups: Utterance id to group.
    """
    labels = {"text": {s.utterance: s.texts.get(s.language, NO_LABEL) for s in speeches}}
    for target in TARGETS:
        labels[f"text.{target}"] = {
            s.utterance: NO_LABEL if s.language == target else s.texts.get(target, NO_LABEL)
            for s in speeches
        }
    labels["utt2dataset"] = {s.utterance: s.corpus for s in speeches}
    return DataDir(
        path=path,
        audio={s.utterance: str(s.audio) for s in speeches},
        languages={s.utterance: s.language for s in speeches},
        speakers={s.utterance: s.speaker for s in speeches},
        labels=labels,
        groups=groups,
    )
