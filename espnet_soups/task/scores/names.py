"""Names of the scores of a run, as statistics of the validation."""

from collections.abc import Mapping, Sequence
from typing import Any

from espnet_soups.objectives.kind import Kind, Metric
from espnet_soups.objectives.metrics.score_config import ScoreConfig
from espnet_soups.objectives.objective import Objective
from espnet_soups.objectives.registry import kind_of


def is_scored(objective: Objective) -> bool:
    """Return whether the results of an objective can be decoded and scored against labels.

    Args:
        objective: The objective.
    """
    kind: Kind = kind_of(objective)
    return bool(objective.label) and kind.has("build_decoder") and kind.has("measure")


def score_names(
    objectives: Sequence[Objective], options: Mapping[str, Any], config: ScoreConfig
) -> dict[str, list[str]]:
    """Return the scores of each objective that has some.

    Args:
        objectives: The objectives of the run.
        options: The options of `msp_train`, by name.
        config: Settings of scoring.
    """
    return {
        objective.name: kind_of(objective).score_names(objective, options, config)
        for objective in objectives
        if is_scored(objective)
    }


def statistics_of_scores(names: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the names of the statistics: the mean of each score, then those of single objectives.

    Args:
        names: The scores of each objective.

    >>> statistics_of_scores({"asr_fr": ["wer", "cer"], "st_fr_en": ["bleu"]})
    ['wer', 'cer', 'bleu', 'wer/asr_fr', 'cer/asr_fr', 'bleu/st_fr_en']
    """
    means = dict.fromkeys(score for own in names.values() for score in own)
    return [*means, *(f"{score}/{name}" for name, own in names.items() for score in own)]


def find_metric(objective: Objective, name: str) -> Metric:
    """Return a score of an objective by name.

    Args:
        objective: The objective.
        name: Name of the score.

    Raises:
        ValueError: If `metrics` of its kind lacks the score.
    """
    kind = kind_of(objective)
    for metric in kind.metrics:
        if metric.name == name:
            return metric
    raise ValueError(
        f"`metrics` of {type(kind).__name__} lacks {name!r}, which its `measure` returns; every"
        " score needs a title there."
    )
