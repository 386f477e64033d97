"""Prepare CoVoST 2: Common Voice 4 translated from 21 languages into English, and from it into 15.

An utterance has its transcript and its translations in one data dir, so that recognition and
translation learn from the same set.
"""

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from espnet_soups.data.corpora.common_voice import ADVICE, describe_missing, find_language
from espnet_soups.data.corpora.convert_clips import convert_clips
from espnet_soups.data.corpora.counts import check_counts
from espnet_soups.data.corpora.covost2_join import ClipStore, clip_name
from espnet_soups.data.corpora.covost2_tables import OFFICIAL, directions_of, find_table
from espnet_soups.data.text_case import CASES, apply_case
from espnet_soups.data.utterance import Utterance, write_set
from espnet_soups.files import write_text

FS = 16000
SPLITS = ("train", "dev", "test")
MANY = 0.01  # share of clips that may be missing without a warning
WHY = "Common Voice is of another release, or clips are missing: scores are not quite comparable."


@dataclass(frozen=True)
class CovostConfig:
    """Settings of the preparation.

    Attributes:
        common_voice: The folder of Common Voice.
        tables: The folder of CoVoST's tables; missing ones are fetched into it.
        data: Parent of the data dirs.
        audio: Folder of the FLAC files.
        asr_languages: Languages that are recognised.
        st_pairs: Pairs that are translated, such as `fr_en`.
        source_case: Case of transcripts: `tc`, `lc` or `lc.rm`.
        target_case: Case of translations.
        jobs: Number of processes that decode MP3.
        limits: Set to the most utterances of a language; 0 or absent: all.
    """

    common_voice: Path
    tables: Path
    data: Path
    audio: Path
    asr_languages: Sequence[str]
    st_pairs: Sequence[str]
    source_case: str = "lc.rm"
    target_case: str = "tc"
    jobs: int = 4
    limits: dict[str, int] | None = None

    def __post_init__(self) -> None:
        """Refuse cases that do not exist.

        Raises:
            ValueError: If a case does not exist, or there is nothing to prepare.
        """
        for case in (self.source_case, self.target_case):
            if case not in CASES:
                raise ValueError(f"A text case must be one of {list(CASES)}, but got {case!r}.")
        if not self.languages:
            raise ValueError("Nothing is asked for: name `--asr_langs` or `--st_pairs`.")

    @property
    def languages(self) -> list[str]:
        """Spoken languages, in the order of the utterance ids."""
        sources = {pair.rpartition("_")[0] for pair in self.st_pairs}
        # `_` follows the language in an id
        return sorted({*self.asr_languages, *sources}, key=lambda language: f"{language}_")

    @property
    def targets(self) -> list[str]:
        """Target languages of the translations."""
        return sorted({pair.rpartition("_")[2] for pair in self.st_pairs})


@dataclass(frozen=True)
class CovostReport:
    """Result of the preparation.

    Attributes:
        counts: (set, language) to number of utterances.
        missing: Number of clips that do not exist, by language.
        corrupt: Number of clips that cannot be read, by language; `corrupt.tsv` lists both.
        notes: Warnings.
    """

    counts: Counter[tuple[str, str]]
    missing: Counter[str]
    corrupt: Counter[str]
    notes: list[str]


def prepare_covost2(config: CovostConfig) -> CovostReport:
    """Write `train`, `dev` and `test`, all languages together, and the audio as 16 kHz FLAC.

    When it is run again after an interruption, it converts only the remaining clips.

    Args:
        config: The settings.

    Returns:
        Numbers of utterances and of clips left out, and warnings.

    Raises:
        OSError: If Common Voice or a table is missing; the message says which and how to get it.
        ValueError: If a direction does not exist, or a file is malformed.
    """
    folders = locate(config)
    report = CovostReport(Counter(), Counter(), Counter(), [])
    broken: list[str] = []
    with ExitStack() as stack:
        stores: dict[str, ClipStore] = {}
        for language, folder in folders.items():  # all tables first: decoding takes hours
            logging.info(f"{language}: reading {folder}/validated.tsv")
            store = ClipStore(config.data / f".covost2_{language}.sqlite", language)
            stack.callback(store.close)
            stores[language] = store
            _join(store, folder, config, report)
        for language, folder in folders.items():
            broken += _convert(stores[language], folder, config, report)
        for split in SPLITS:
            utterances = _in_case(stores, split, config)
            by_language = write_set(config.data / split, utterances, config.targets)
            for language, number in by_language.items():
                report.counts[split, language] = number
    write_text(config.data / "corrupt.tsv", "clip\treason\n" + "".join(broken))
    return report


def locate(config: CovostConfig) -> dict[str, Path]:
    """Find the folder of every language.

    Args:
        config: The settings.

    Returns:
        Language to folder.

    Raises:
        FileNotFoundError: If one is missing; the message lists all that are.
        ValueError: If CoVoST 2 has no such direction.
    """
    for language in config.languages:
        directions_of(language, config.st_pairs)
    found = {name: find_language(config.common_voice, name) for name in config.languages}
    missing = [name for name, folder in found.items() if folder is None]
    if not config.common_voice.is_dir():
        raise FileNotFoundError(f"{config.common_voice} is not a folder: {ADVICE}")
    if missing:
        listed = "; ".join(describe_missing(config.common_voice, name) for name in missing)
        raise FileNotFoundError(f"{config.common_voice} is not complete: {listed}. {ADVICE}")
    return {name: folder for name, folder in found.items() if folder is not None}


def _join(store: ClipStore, folder: Path, config: CovostConfig, report: CovostReport) -> None:
    """Join the tables of one language."""
    language = store.language
    places = (config.tables, folder)
    tables = {
        direction: find_table(direction, places, config.tables)
        for direction in directions_of(language, config.st_pairs)
    }
    joined = store.join(tables, folder / "validated.tsv")
    official = OFFICIAL.get(language, {})
    report.notes.extend(check_counts(f"CoVoST 2 {language}", store.counts(), official, WHY))
    remarks = {
        f"rows of the tables have no clip in validated.tsv {joined.not_validated}": sum(
            joined.not_validated.values()
        ),
        f"rows cannot be read, the first is {(joined.malformed or [''])[0]}": len(joined.malformed),
        "rows of the tables repeat a clip": joined.repeated,
        "speakers of the training set are in dev or test too": joined.shared_speakers,
    }
    for text, number in remarks.items():
        if number:
            report.notes.append(f"{language}: {number:,} {text}")
            logging.warning(report.notes[-1])
    for split, number in (config.limits or {}).items():
        store.limit(split, number)


def _convert(
    store: ClipStore, folder: Path, config: CovostConfig, report: CovostReport
) -> list[str]:
    """Convert the clips of one language, and return lines of `corrupt.tsv`."""
    language, wanted = store.language, sum(store.counts().values())
    pairs = (
        (folder / "clips" / f"{name}.mp3", flac_path(config.audio, language, name))
        for name in store.names()
    )
    failures = list(convert_clips(pairs, FS, config.jobs))
    store.remove([clip_name(clip.name) for clip, _ in failures])
    if failures and len(failures) == wanted:
        clip, reason = failures[0]
        raise FileNotFoundError(
            f"None of the {wanted:,} clips of {language} can be read, the first is {clip}"
            f" ({reason}): unpack the archive of Common Voice again."
        )
    if len(failures) > MANY * wanted:
        report.notes.append(
            f"{language}: {len(failures):,} of {wanted:,} clips are missing or corrupt: the archive"
            " may have been unpacked in part"
        )
        logging.warning(report.notes[-1])
    report.missing[language] = sum(reason == "missing" for _, reason in failures)
    report.corrupt[language] = len(failures) - report.missing[language]
    return [f"{clip}\t{reason}\n" for clip, reason in failures]


def _in_case(stores: dict[str, ClipStore], split: str, config: CovostConfig) -> Iterator[Utterance]:
    for language, store in stores.items():
        for item in store.utterances(split, config.targets):
            translations = {
                target: apply_case(text, config.target_case)
                for target, text in item.translations.items()
            }
            yield replace(
                item,
                audio=str(flac_path(config.audio, language, item.audio)),
                text=apply_case(item.text, config.source_case),
                translations=translations,
            )


def flac_path(audio: Path, language: str, name: str) -> Path:
    """Return the FLAC file of a clip; the files are spread over a hundred folders.

    Args:
        audio: Folder of the FLAC files.
        language: Language of the clip.
        name: Name of the clip, see `clip_name`.

    >>> flac_path(Path("audio"), "fr", "common_voice_fr_17299384").as_posix()
    'audio/fr/84/common_voice_fr_17299384.flac'
    >>> flac_path(Path("audio"), "fr", "..").as_posix()
    'audio/fr/__/...flac'
    """
    return audio / language / name[-2:].replace(".", "_") / f"{name}.flac"
