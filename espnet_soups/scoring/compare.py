"""Whether two systems differ on the same set: paired bootstrap over the same utterances."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from espnet_soups.scoring.bootstrap import estimate, resample_jointly
from espnet_soups.scoring.groups import Groups, read_groups
from espnet_soups.scoring.measure import Measured, Scores, measure
from espnet_soups.scoring.score_config import ScoreConfig
from espnet_soups.scoring.score_set import AVERAGED
from espnet_soups.scoring.text_pairs import find_objectives, read_pairs

MEAN = "mean"
Pair = tuple[Measured, Measured]


@dataclass(frozen=True)
class Difference:
    """A score of two systems.

    Attributes:
        first: Of the first system.
        second: Of the second.
        low: Lower end of the 95 % interval of `second - first`.
        high: Upper end.
        p_value: How often resamples differ as much by chance, two-sided.
        defined: Whether the score says something of both systems, and for a mean of all its
            members; BLEU does not where no hypothesis has four words.
    """

    first: float
    second: float
    low: float
    high: float
    p_value: float
    defined: bool = True


@dataclass(frozen=True)
class Comparison:
    """Two decodings of one set.

    Attributes:
        differences: `differences[score][objective]`; the objective `mean` is the mean over
            those that have the score, where there are several.
        utterances: Utterances of each objective.
        groups: Whether groups of utterances were drawn (`utt2group`).
        left_out: Objectives that one system alone has.
    """

    differences: dict[str, dict[str, Difference]]
    utterances: dict[str, int]
    groups: bool
    left_out: list[str]


def compare_decodings(
    reference_dir: Path, first_dir: Path, second_dir: Path, config: ScoreConfig
) -> Comparison:
    """Compares the texts of two decodings.

    Both systems are scored on the same draws. sacrebleu's own paired test draws utterances of
    one pair of languages alone; here a draw may be a group (`utt2group`), the same for all
    languages, so that their means can be compared.

    Args:
        reference_dir: Holds `utt2lang`, `text`, `text.<target>`, and perhaps `utt2group`.
        first_dir: Decoded texts of the first system.
        second_dir: Of the second.
        config: How to score.

    Raises:
        OSError: If a file is missing.
        ValueError: If a file is malformed, keys differ, or no objective is in both.
    """
    own = [{o.name: o for o in find_objectives(folder)} for folder in (first_dir, second_dir)]
    common = [name for name in own[0] if name in own[1]]
    if not common:
        raise ValueError(
            f"{first_dir} has {sorted(own[0])} and {second_dir} has {sorted(own[1])}: no objective"
            " is in both."
        )
    measured = {
        name: tuple(
            measure(read_pairs(reference_dir, folder, own[0][name]), config)
            for folder in (first_dir, second_dir)
        )
        for name in common
    }
    pairs: dict[str, Pair] = {name: (item[0], item[1]) for name, item in measured.items()}
    groups = read_groups(reference_dir, [item[0].pairs for item in pairs.values()])
    return Comparison(
        differences=_differences(pairs, resample_pairs(pairs, groups, config)),
        utterances={name: len(item[0].pairs.keys) for name, item in pairs.items()},
        groups=groups is not None,
        left_out=sorted(own[0].keys() ^ own[1].keys()),
    )


def resample_pairs(
    pairs: Mapping[str, Pair], groups: Groups | None, config: ScoreConfig
) -> dict[str, tuple[Scores, Scores]]:
    """Scores both systems on the same draws; with groups these are one for all objectives."""
    generator = np.random.default_rng(config.seed)
    blocks = [[name] for name in pairs] if groups is None else [list(pairs)]
    resampled: dict[str, tuple[Scores, Scores]] = {}
    for block in blocks:
        systems = [item for name in block for item in pairs[name]]
        names = [
            item.pairs.keys if groups is None else [groups[key] for key in item.pairs.keys]
            for item in systems
        ]
        sums = resample_jointly(
            [item.statistics for item in systems], names, config.resamples, generator
        )
        scores = [item.scores(own) for item, own in zip(systems, sums, strict=True)]
        resampled |= {
            name: (scores[2 * row], scores[2 * row + 1]) for row, name in enumerate(block)
        }
    return resampled


def p_value(difference: float, resampled: NDArray[np.float64]) -> float:
    """Gives the two-sided p-value of a difference.

    Args:
        difference: That of the whole set.
        resampled: Those of the resamples, [resamples].

    Returns:
        The share of resamples that lie as far from their mean as the difference lies from
        nought; the set itself counts as one of them, so that it is never nought.

    Source: Riezler & Maxwell (2005), shift of the bootstrap distribution to the null hypothesis.

    >>> p_value(0.0, np.array([0.0, 0.0, 0.0]))
    1.0
    """
    far = np.abs(resampled - resampled.mean()) >= abs(difference)
    return float((1 + far.sum()) / (1 + len(resampled)))


def _differences(
    pairs: Mapping[str, Pair], resampled: Mapping[str, tuple[Scores, Scores]]
) -> dict[str, dict[str, Difference]]:
    values = {name: (item[0].values(), item[1].values()) for name, item in pairs.items()}
    result = {}
    for score in AVERAGED:
        holders = [name for name in pairs if score in values[name][0]]
        rows = {name: [name] for name in holders}
        if len(holders) > 1:
            rows[MEAN] = holders
        if rows:
            result[score] = {
                row: _difference(
                    [(values[name][0][score], values[name][1][score]) for name in members],
                    [(resampled[name][0][score], resampled[name][1][score]) for name in members],
                    defined=not any(
                        score in item.undefined() for name in members for item in pairs[name]
                    ),
                )
                for row, members in rows.items()
            }
    return result


def _difference(
    values: Sequence[tuple[float, float]],
    resampled: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]],
    defined: bool,
) -> Difference:
    first, second = np.mean(values, axis=0).tolist()
    draws = np.mean([two - one for one, two in resampled], axis=0)
    interval = estimate(second - first, draws)
    p = p_value(second - first, draws)
    return Difference(first, second, interval.low, interval.high, p, defined)
