"""Groups of utterances that the bootstrap draws together: `utt2group`, an optional data-dir file.

Utterances of one group depend on one another: the same sentence in several languages, by several
speakers, or twice. If they were drawn one by one, they would count as more evidence than they are,
and the interval of a mean over languages would be too narrow.
"""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np

from espnet_soups.files import read_texts
from espnet_soups.objectives.metrics.measured import (
    Measured,
    MeasuredDraws,
    MeasuredSums,
    Scores,
)
from espnet_soups.scoring.bootstrap import resample_jointly, resample_sums

GROUPS = "utt2group"
Groups = Mapping[str, str]


def read_groups(reference_dir: Path, measured: Sequence[Measured]) -> Groups | None:
    """Read the group of each utterance.

    Args:
        reference_dir: The data dir; it may hold `utt2group`.
        measured: The measured objectives.

    Returns:
        Utterance id to group; None if there is no such file.

    Raises:
        ValueError: If the file is malformed or lacks an utterance whose scores are of sums.
    """
    path = reference_dir / GROUPS
    if not path.is_file():
        return None
    groups = read_texts(path)
    lacking = sorted({key for key in _summed_keys(measured) if not groups.get(key)})
    if lacking:
        raise ValueError(
            f"{path} has no group for {len(lacking)} utterances, the first of them {lacking[0]};"
            " give every utterance one, its own id if it stands alone, or remove the file."
        )
    return groups


def resample_measured(
    measured: Sequence[Measured],
    groups: Groups | None,
    resamples: int,
    generator: np.random.Generator,
) -> list[Scores]:
    """Return the scores of every resample for each objective, [resamples].

    With groups, they are drawn jointly for all objectives whose scores are of sums; without, the
    utterances of each objective are drawn independently. Objectives with their own draws come last.

    Args:
        measured: The measured objectives.
        groups: Group of each utterance; None to draw utterances.
        resamples: Number of sets to draw.
        generator: Source of the random numbers.
    """
    summed = {n: item for n, item in enumerate(measured) if isinstance(item, MeasuredSums)}
    statistics = [item.statistics for item in summed.values()]
    if groups is None:
        sums = [resample_sums(own, resamples, generator) for own in statistics]
    else:
        names = [[groups[key] for key in item.keys] for item in summed.values()]
        sums = resample_jointly(statistics, names, resamples, generator) if summed else []
    scores = {
        number: item.scores(own) for (number, item), own in zip(summed.items(), sums, strict=True)
    }
    for number, item in enumerate(measured):
        if isinstance(item, MeasuredDraws):
            scores[number] = item.resample(resamples, generator)
    return [scores[number] for number in range(len(measured))]


def count_groups(groups: Groups | None, measured: Sequence[Measured]) -> int | None:
    """Return the number of groups with a scored utterance; None without groups.

    Args:
        groups: Group of each utterance, or None.
        measured: The measured objectives.
    """
    if groups is None:
        return None
    return len({groups[key] for key in _summed_keys(measured)})


def _summed_keys(measured: Sequence[Measured]) -> Collection[str]:
    return {key for item in measured if isinstance(item, MeasuredSums) for key in item.keys}
