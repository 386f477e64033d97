"""Leave out utterances that are too short or too long to train on."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from espnet_soups.data.data_dir import NO_LABEL, DataDir, is_text_file


@dataclass(frozen=True)
class FilterReport:
    """Number of utterances that a filter left out, by reason."""

    too_short: int
    too_long: int
    no_label: int


def filter_lengths(
    data: DataDir,
    seconds: Mapping[str, float],
    shortest: float,
    longest: float,
    labels: Sequence[str] = (),
) -> tuple[DataDir, FilterReport]:
    """Keep utterances of a duration in [shortest, longest] that have a label for some objective.

    A set without any label file is audio for self-supervision, so its utterances need no label.

    Args:
        data: The set.
        seconds: Utterance id to its duration, seconds.
        shortest: Smallest duration, seconds.
        longest: Largest duration, seconds.
        labels: Files whose labels count beside texts, such as `utt2gender`.

    Returns:
        (the utterances that are kept, the numbers of those left out).

    Raises:
        ValueError: If the bounds are not in order, a file of labels is missing, or nothing is left.
    """
    if not 0 <= shortest < longest:
        raise ValueError(
            "`--min_wav_duration` must be smaller than `--max_wav_duration`, but got"
            f" {shortest} and {longest}."
        )
    short = {key for key in data.audio if seconds[key] < shortest}
    long = {key for key in data.audio if seconds[key] > longest}
    tables = _tables(data, labels)
    unlabelled = (
        {key for key in data.audio if tables and all(table[key] == NO_LABEL for table in tables)}
        - short
        - long
    )
    kept = data.keep(set(data.audio) - short - long - unlabelled)
    if not kept.audio:
        raise ValueError(
            f"No utterance of {data.path} is left between {shortest} and {longest} seconds."
        )
    return kept, FilterReport(len(short), len(long), len(unlabelled))


def check_languages_left(before: DataDir, kept: DataDir, least: int) -> None:
    """Refuse a training set in which too few utterances of a language are left.

    Args:
        before: The set before the filter.
        kept: The set after it.
        least: Utterances that each language must have.

    Raises:
        ValueError: If a language has fewer.
    """
    left = Counter(kept.languages.values())
    for language, number in Counter(before.languages.values()).items():
        if left[language] < least:
            raise ValueError(
                f"{before.path} has {number:,} utterances of {language}, of which {left[language]}"
                f" would be left, but every step of training takes {least} of each language: change"
                " `--min_wav_duration` and `--max_wav_duration`, add some, or leave the language"
                " out."
            )


def _tables(data: DataDir, names: Sequence[str]) -> list[Mapping[str, str]]:
    tables = [table for name, table in data.labels.items() if is_text_file(name)]
    for name in names:
        table = data.labels_of(name)
        if table is None:
            raise ValueError(
                f"{data.path} has no {name}, which an objective learns from: add it to the data"
                " dir, and run stage 3 again (`--stage 3 --force true`)."
            )
        tables.append(table)
    return tables
