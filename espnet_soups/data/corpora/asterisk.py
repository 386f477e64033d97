"""Prepare the Asterisk prompts: telephone prompts, spoken by professionals in five languages.

The same prompt in English is the translation, so that the corpus is parallel: speech and text in
en, fr, es, it and ru, and English translations of the other four. CC-BY-SA 3.0.
"""

import logging
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from espnet_soups.data.corpora.asterisk_text import normalise_text
from espnet_soups.data.corpora.audio_text_fit import misfit
from espnet_soups.data.data_dir import NO_LABEL, DataDir, write_data_dir
from espnet_soups.data.split import group_by_shared, split_groups
from espnet_soups.files import BOM, read_lines, write_text

LANGUAGES = ("en", "fr", "es", "it", "ru")
SHARES = {"test": 0.16, "dev": 0.06}
SEED = 1
# Share of training utterances without a language label: real labels are incomplete, too.
HIDDEN_SHARE = 0.2
WORD_FOLDERS = ("digits", "letters", "phonetic")  # single words: split separately from sentences


@dataclass(frozen=True)
class Prompt:
    """One recording with its text.

    Attributes:
        key: Name of the prompt, the same in all languages, e.g. `digits/1`.
        language: Language that is spoken.
        speaker: Who speaks, e.g. `it_menardi`.
        audio: The file.
        text: Normalised text.
    """

    key: str
    language: str
    speaker: str
    audio: Path
    text: str

    @property
    def utterance(self) -> str:
        """Utterance id; the speaker is its prefix, as Kaldi's tools like it."""
        return f"{self.speaker}-{self.key.replace('/', '_')}"


@dataclass(frozen=True)
class Removal:
    """Recording or text that is left out, with the reason."""

    language: str
    key: str
    reason: str


def prepare_asterisk(downloads: Path, data: Path) -> tuple[Counter[str], list[Removal]]:
    """Write `train`, `dev` and `test` from the unpacked prompts.

    Args:
        downloads: One folder per language, as `download_prompts` leaves them.
        data: Parent of the data dirs; its `removed.tsv` lists what was left out, and why.

    Returns:
        (number of utterances by set and language, what was left out).

    Raises:
        OSError: If a language is missing.
    """
    prompts: list[Prompt] = []
    removals: list[Removal] = []
    for language in LANGUAGES:
        found, left_out = read_prompts(downloads / language, language)
        prompts += found
        removals += left_out
    sets = assign_sets(prompts)
    groups = {key: group[0] for group in group_prompts(prompts) for key in group}
    english = {prompt.key: prompt.text for prompt in prompts if prompt.language == "en"}
    counts: Counter[str] = Counter()
    for name in ("train", "dev", "test"):
        members = [prompt for prompt in prompts if sets[prompt.key] == name]
        hidden = HIDDEN_SHARE if name == "train" else 0.0
        write_data_dir(to_data_dir(data / name, members, english, groups, hidden))
        counts.update(f"{name} {prompt.language}" for prompt in members)
    rows = [f"{r.language}\t{r.key}\t{r.reason}\n" for r in removals]
    write_text(data / "removed.tsv", "language\tkey\treason\n" + "".join(rows))
    return counts, removals


def assign_sets(prompts: Sequence[Prompt]) -> dict[str, str]:
    """Assign every key to a set; keys that share a text in any language stay together.

    Args:
        prompts: All prompts.

    Returns:
        Key to `train`, `dev` or `test`.
    """
    groups = group_prompts(prompts)
    words = [g for g in groups if all(key.startswith(WORD_FOLDERS) for key in g)]
    sentences = [g for g in groups if g not in words]
    assigned = split_groups(words, SHARES, rest="train", seed=SEED)
    return assigned | split_groups(sentences, SHARES, rest="train", seed=SEED)


def group_prompts(prompts: Sequence[Prompt]) -> list[list[str]]:
    """Group keys that share a text in any language.

    Args:
        prompts: All prompts.

    Returns:
        The groups of keys.
    """
    marks: dict[str, list[tuple[str, str]]] = {}
    for prompt in prompts:
        marks.setdefault(prompt.key, []).append((prompt.language, prompt.text))
    return group_by_shared(marks)


def to_data_dir(
    path: Path,
    prompts: Sequence[Prompt],
    english: Mapping[str, str],
    groups: Mapping[str, str],
    hidden: float = 0.0,
) -> DataDir:
    """Put prompts into tables; English has no translation (`<na>`).

    A key in all languages and by all speakers is one group, and so are keys that share a text:
    their errors depend on one another, and the bootstrap of the scores draws them together.

    Args:
        path: Folder of the set.
        prompts: Its recordings.
        english: Key of a prompt to its English text.
        groups: Key of a prompt to its group.
        hidden: Share of the utterances whose label in `utt2language` is `<na>`.
    """
    languages = {
        p.utterance: NO_LABEL if _is_hidden(p.utterance, hidden) else p.language for p in prompts
    }
    translations = {
        prompt.utterance: NO_LABEL if prompt.language == "en" else english.get(prompt.key, NO_LABEL)
        for prompt in prompts
    }
    return DataDir(
        path=path,
        audio={prompt.utterance: str(prompt.audio) for prompt in prompts},
        languages={prompt.utterance: prompt.language for prompt in prompts},
        speakers={prompt.utterance: prompt.speaker for prompt in prompts},
        labels={
            "text": {p.utterance: p.text for p in prompts},
            "text.en": translations,
            "utt2language": languages,
        },
        groups={p.utterance: groups[p.key].replace("/", "_") for p in prompts},
    )


def _is_hidden(utterance: str, share: float) -> bool:
    """Return whether a label is hidden; the choice is the same on every machine."""
    return zlib.crc32(utterance.encode()) < share * 2**32


def read_prompts(folder: Path, language: str) -> tuple[list[Prompt], list[Removal]]:
    """Read the prompts of all speakers of one language.

    Args:
        folder: The unpacked prompts of the language.
        language: en, fr, es, it or ru.

    Returns:
        (prompts, what was left out).

    Raises:
        OSError: If there are no texts or no recordings.
    """
    texts = read_texts(folder, language)
    prompts: list[Prompt] = []
    removals: list[Removal] = []
    normalised = {key: normalise_text(text, language) for key, text in texts.items()}
    for speaker, root in find_speakers(folder, language):
        recorded = {
            file.relative_to(root).with_suffix("").as_posix(): file for file in root.rglob("*.wav")
        }
        for key in sorted(set(recorded) | set(texts)):
            reason = ""
            if key not in recorded:
                reason = f"no recording by {speaker}"
            elif key not in texts:
                reason = "no text"
            else:
                reason = normalised[key].reason or misfit(recorded[key], normalised[key].text)
            if reason:
                removals.append(Removal(language, key, reason))
            else:
                text = normalised[key].text
                prompts.append(Prompt(key, language, speaker, recorded[key], text))
    return prompts, removals


def read_texts(folder: Path, language: str) -> dict[str, str]:
    """Read the list of prompts, one `key: text` per line, plain or gzipped.

    Args:
        folder: The unpacked prompts of the language.
        language: en, fr, es, it or ru.

    Returns:
        Key to text.

    Raises:
        FileNotFoundError: If the folder holds no list.
        ValueError: If it is damaged or not UTF-8.
    """
    name = f"core-sounds-{language}.txt"
    files = sorted([*folder.rglob(name), *folder.rglob(f"{name}.gz")])
    if not files:
        raise FileNotFoundError(f"There is no {name}[.gz] below {folder}: delete it and run again.")
    texts: dict[str, str] = {}
    for number, line in enumerate(read_lines(files[0]), start=1):
        key, separator, value = (part.strip() for part in line.lstrip(BOM).partition(":"))
        if not separator or line.lstrip(BOM).startswith(";"):
            continue
        if texts.setdefault(key, value) != value:  # Spanish has two texts of digits/0
            logging.warning(
                f"{files[0]}:{number}: {key} occurs again, and {value!r} is not used: its text is"
                f" {texts[key]!r}"
            )
    return texts


def find_speakers(folder: Path, language: str) -> Iterator[tuple[str, Path]]:
    """Find the folder of recordings of each speaker: the one above `digits/`.

    Args:
        folder: The unpacked prompts of the language.
        language: en, fr, es, it or ru.

    Yields:
        (speaker, folder).

    Raises:
        FileNotFoundError: If there are no recordings.
    """
    roots = sorted({path.parent for path in folder.rglob("digits") if any(path.glob("*.wav"))})
    if not roots:
        raise FileNotFoundError(f"There are no recordings below {folder}: delete it and run again.")
    for root in roots:
        yield speaker_name(root.name, language), root


def speaker_name(folder: str, language: str) -> str:
    """Return the name of a speaker, made from that of Debian's folder of recordings.

    Args:
        folder: Name of the folder, such as `it_IT_f_Menardi`.
        language: en, fr, es, it or ru.

    >>> speaker_name("it_IT_f_Menardi", "it"), speaker_name("it", "it")
    ('it_menardi', 'it_speaker')
    """
    parts = folder.split("_")
    return f"{language}_{parts[-1].lower() if len(parts) > 2 else 'speaker'}"
