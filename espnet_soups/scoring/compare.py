"""Comparison of two systems on the same set, by a paired bootstrap over the same utterances."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from espnet_soups.objectives.kind import Metric
from espnet_soups.objectives.metrics.measured import (
    Measured,
    MeasuredDraws,
    MeasuredSums,
    NothingToScoreError,
    Scores,
    Undefined,
)
from espnet_soups.objectives.metrics.score_config import ScoreConfig
from espnet_soups.objectives.registry import kind_of
from espnet_soups.scoring.bootstrap import estimate, resample_jointly
from espnet_soups.scoring.find_objectives import find_known
from espnet_soups.scoring.groups import Groups, read_groups
from espnet_soups.scoring.score_metrics import list_metrics

MEAN = "mean"
Pair = tuple[Measured, Measured]


@dataclass(frozen=True)
class Difference:
    """One score of two systems.

    Attributes:
        first: Score of the first system.
        second: Score of the second system.
        low: Lower end of the 95 % interval of `second - first`.
        high: Upper end.
        p_value: Two-sided p-value: how often resamples differ as much by chance.
        undefined: Reason why the score of one of the systems is meaningless, or, for a mean, that
            of one of its members; None if there is none.
    """

    first: float
    second: float
    low: float
    high: float
    p_value: float
    undefined: str | None = None


@dataclass(frozen=True)
class Comparison:
    """Comparison of two decodings of one set.

    Attributes:
        differences: `differences[score][objective]`; the objective `mean` is the mean over those
            that have the score, if there are several.
        metrics: The scores, in order.
        utterances: Number of utterances of each objective.
        groups: Whether groups of utterances were drawn (`utt2group`).
        left_out: Objectives that only one system has.
        drawn: Items drawn for objectives with their own draws, by name of the objective.
        not_scored: Reason why an objective of both cannot be scored, by name.
    """

    differences: dict[str, dict[str, Difference]]
    metrics: list[Metric]
    utterances: dict[str, int]
    groups: bool
    left_out: list[str]
    drawn: dict[str, str] = field(default_factory=dict)
    not_scored: dict[str, str] = field(default_factory=dict)


def compare_decodings(
    reference_dir: Path,
    first_dir: Path,
    second_dir: Path,
    config: ScoreConfig,
    own_kinds: Collection[str] = (),
) -> Comparison:
    """Compare the outputs of two decodings.

    Both systems are scored on the same draws. sacrebleu's own paired test draws utterances of a
    single pair of languages; here a draw may be a group (`utt2group`), the same for all languages,
    so that their means can be compared.

    Args:
        reference_dir: The data dir of the set: labels, and perhaps `utt2group`.
        first_dir: Output of the first system.
        second_dir: Output of the second system.
        config: Settings of scoring.
        own_kinds: A user's own kinds, `module:Class`, that may be imported.

    Returns:
        The comparison.

    Raises:
        ValueError: If a file is malformed, keys differ, or no objective is in both with labels to
            score.
    """
    own = [{o.name: o for o in find_known(folder, own_kinds)} for folder in (first_dir, second_dir)]
    common = [name for name in own[0] if name in own[1]]
    if not common:
        raise ValueError(
            f"{first_dir} has {sorted(own[0])} and {second_dir} has {sorted(own[1])}: no objective"
            " is in both."
        )
    pairs: dict[str, Pair] = {}
    not_scored: dict[str, str] = {}
    for name in common:
        try:
            first, second = (
                kind_of(known[name]).measure(known[name], reference_dir, folder, config)
                for known, folder in zip(own, (first_dir, second_dir), strict=True)
            )
        except NothingToScoreError as error:
            not_scored[name] = str(error)  # as in scores.json
        else:
            pairs[name] = (first, second)
    if not pairs:
        why = "; ".join(f"{name} ({reason})" for name, reason in not_scored.items())
        raise ValueError(f"{first_dir} and {second_dir}: nothing can be compared: {why}.")
    firsts = [item[0] for item in pairs.values()]
    groups = read_groups(reference_dir, firsts)
    metrics = list_metrics([own[0][name] for name in pairs], [item.values() for item in firsts])
    return Comparison(
        differences=_differences(metrics, pairs, resample_pairs(pairs, groups, config)),
        metrics=metrics,
        utterances={name: len(item[0].keys) for name, item in pairs.items()},
        groups=groups is not None,
        left_out=sorted(own[0].keys() ^ own[1].keys()),
        drawn={
            name: item[0].drawn
            for name, item in pairs.items()
            if isinstance(item[0], MeasuredDraws)
        },
        not_scored=not_scored,
    )


def resample_pairs(
    pairs: Mapping[str, Pair], groups: Groups | None, config: ScoreConfig
) -> dict[str, tuple[Scores, Scores]]:
    """Score both systems on the same draws; with groups, all objectives share the draws.

    Objectives with their own draws come last, each with separate draws.

    Args:
        pairs: The measurements of both systems, by objective.
        groups: Group of each utterance; None to draw utterances.
        config: Settings of scoring: number of resamples and seed.

    Returns:
        The scores of both systems, by objective, [resamples] each.

    Raises:
        ValueError: If two systems of such an objective were not scored on the same trials.
    """
    generator = np.random.default_rng(config.seed)
    summed = [name for name, item in pairs.items() if isinstance(item[0], MeasuredSums)]
    blocks = [[name] for name in summed] if groups is None else [summed] if summed else []
    resampled: dict[str, tuple[Scores, Scores]] = {}
    for block in blocks:
        systems = [item for name in block for item in pairs[name] if isinstance(item, MeasuredSums)]
        names = [
            item.keys if groups is None else [groups[key] for key in item.keys] for item in systems
        ]
        sums = resample_jointly(
            [item.statistics for item in systems], names, config.resamples, generator
        )
        scores = [item.scores(own) for item, own in zip(systems, sums, strict=True)]
        resampled |= {
            name: (scores[2 * row], scores[2 * row + 1]) for row, name in enumerate(block)
        }
    for name, (first, second) in pairs.items():
        if isinstance(first, MeasuredDraws) and isinstance(second, MeasuredDraws):
            if list(first.keys) != list(second.keys):
                raise ValueError(
                    f"The systems were scored on other trials of {name}, {len(first.keys)} and"
                    f" {len(second.keys)}; decode the same set with both (stage 11)."
                )
            draws = first.draw(config.resamples, generator)
            resampled[name] = (first.score(draws), second.score(draws))
    return resampled


def p_value(difference: float, resampled: NDArray[np.float64]) -> float:
    """Return the two-sided p-value of a difference.

    Args:
        difference: Difference on the whole set.
        resampled: Differences on the resamples, [resamples].

    Returns:
        Share of resamples at least as far from their mean as the difference is from 0; the set
        itself counts as one of them, so that it is never 0.

    >>> p_value(0.0, np.array([0.0, 0.0, 0.0]))
    1.0
    """
    far = np.abs(resampled - resampled.mean()) >= abs(difference)
    return float((1 + far.sum()) / (1 + len(resampled)))


def _differences(
    metrics: Sequence[Metric],
    pairs: Mapping[str, Pair],
    resampled: Mapping[str, tuple[Scores, Scores]],
) -> dict[str, dict[str, Difference]]:
    values = {name: (item[0].values(), item[1].values()) for name, item in pairs.items()}
    result = {}
    for score in [metric.name for metric in metrics]:
        holders = [name for name in pairs if score in values[name][0]]
        rows = {name: [name] for name in holders}
        if len(holders) > 1:
            rows[MEAN] = holders
        result[score] = {
            row: _difference(
                [(values[name][0][score], values[name][1][score]) for name in members],
                [(resampled[name][0][score], resampled[name][1][score]) for name in members],
                [item.undefined for name in members for item in pairs[name]],
                score,
            )
            for row, members in rows.items()
        }
    return result


def _difference(
    values: Sequence[tuple[float, float]],
    resampled: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]],
    undefined: Sequence[Mapping[str, Undefined]],
    score: str,
) -> Difference:
    first, second = np.mean(values, axis=0).tolist()
    draws = np.mean([two - one for one, two in resampled], axis=0)
    interval = estimate(second - first, draws)
    why = next((item[score].compared for item in undefined if score in item), None)
    p = p_value(second - first, draws)
    return Difference(first, second, interval.low, interval.high, p, why)
