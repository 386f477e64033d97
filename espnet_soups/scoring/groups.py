"""Which utterances the bootstrap draws together: `utt2group`, an optional file of a data dir.

Utterances of one group depend on one another: the same sentence in several languages, by several
speakers, or twice. Drawn one by one, they would pass for more evidence than they are, and the
interval of a mean over languages would be too narrow.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from espnet_soups.scoring.bootstrap import resample_jointly, resample_sums
from espnet_soups.scoring.measure import Measured, Scores
from espnet_soups.scoring.text_file import read_text
from espnet_soups.scoring.text_pairs import TextPairs

GROUPS = "utt2group"
Groups = Mapping[str, str]


def read_groups(reference_dir: Path, all_pairs: Sequence[TextPairs]) -> Groups | None:
    """Reads the group of each utterance.

    Args:
        reference_dir: The data dir; it may hold `utt2group`.
        all_pairs: What is scored.

    Returns:
        Utterance id to group; None where there is no such file.

    Raises:
        ValueError: If the file is malformed or lacks a scored utterance.
    """
    path = reference_dir / GROUPS
    if not path.is_file():
        return None
    groups = read_text(path)
    lacking = sorted({key for pairs in all_pairs for key in pairs.keys if not groups.get(key)})
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
    """Gives the scores of every resample of each objective, [resamples].

    With groups they are drawn jointly for all objectives; without, the utterances of each
    objective are drawn independently of the others'.
    """
    statistics: list[NDArray[np.float64]] = [item.statistics for item in measured]
    if groups is None:
        sums = [resample_sums(own, resamples, generator) for own in statistics]
    else:
        names = [[groups[key] for key in item.pairs.keys] for item in measured]
        sums = resample_jointly(statistics, names, resamples, generator)
    return [item.scores(own) for item, own in zip(measured, sums, strict=True)]


def count_groups(groups: Groups | None, all_pairs: Sequence[TextPairs]) -> int | None:
    """Gives the number of groups that hold a scored utterance; None without groups."""
    if groups is None:
        return None
    return len({groups[key] for pairs in all_pairs for key in pairs.keys})
