"""Read the record of a finished training of a study: last losses, mechanism, scores."""

import fnmatch
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from espnet_soups.files import read_json, read_json_lines, read_yaml
from espnet_soups.study.definition import read_definition
from espnet_soups.tables.same_settings import SOUP_KEYS

LEVEL = {
    **{"objectives": list[str], "mean_weights?": list[float], "mean_penalty?": float},
    **{"moves?": bool, "mean_distance?": float},
}
EPOCH = {
    **{"epoch": int, "seconds": float, "valid_loss": dict[str, float | None], "levels": [LEVEL]},
    "raised_any?": float,
}
METRIC = {"name": str, "title": str, "lower_is_better": bool, "headline": bool}
SCORES = {"mean": {"*": {"value": float}}, "metrics": [METRIC]}
LOSSES = {"mean_loss": "mean loss, %", "worst_loss": "worst loss, %"}
RAISED = {"raised": "harmful steps, %"}


@dataclass(frozen=True)
class Score:
    """A score of a decoded set.

    Attributes:
        title: As tables show it.
        value: Mean over the objectives that have it.
        lower_is_better: Whether a lower value is better.
    """

    title: str
    value: float
    lower_is_better: bool


@dataclass(frozen=True)
class RunRecord:
    """Record of a finished training.

    Attributes:
        epochs: The records of its epochs, with the keys of `EPOCH` from soup.jsonl.
        scores: Its headline scores, by metric.
        settings: Its settings in config.yaml, without those of the soup.
        definition: What it was trained with, see `StudyRun.definition`; None: it was trained before
            studies kept that.
    """

    epochs: list[dict[str, Any]]
    scores: Mapping[str, Score]
    settings: Mapping[str, Any] = field(default_factory=dict)
    definition: Mapping[str, str] | None = None

    @property
    def losses(self) -> dict[str, float]:
        """Validation losses of the last epoch, by objective; NaN: not finite."""
        last = self.epochs[-1]["valid_loss"]
        return {name: math.nan if value is None else value for name, value in last.items()}

    @property
    def diverged(self) -> bool:
        """True if a loss of the last epoch is not finite."""
        return any(not math.isfinite(loss) for loss in self.losses.values())

    @property
    def seconds(self) -> float:
        """Time of training, seconds."""
        return sum(record["seconds"] for record in self.epochs)

    @property
    def raised(self) -> float:
        """Share of the measured steps that raised at least one objective, in percent.

        It is the mean over the epochs; NaN: nothing was measured.
        """
        known = [r["raised_any"] for r in self.epochs if r.get("raised_any") is not None]
        return 100 * statistics.fmean(known) if known else math.nan

    @property
    def moved(self) -> float | None:
        """Largest mean distance of a level's weights from uniform in an epoch (total variation).

        None: the weights of no level move.
        """
        found = [
            level.get("mean_distance") or 0.0
            for record in self.epochs
            for level in record["levels"]
            if level.get("moves") and len(level["objectives"]) > 1
        ]
        return max(found) if found else None

    def mean_weights(self) -> list[dict[str, float]]:
        """Return for each level the mean weights over the training, by objective."""
        levels = [record["levels"] for record in self.epochs]
        return [
            {
                name: statistics.fmean(epoch[place]["mean_weights"][column] for epoch in levels)
                for column, name in enumerate(level["objectives"])
            }
            for place, level in enumerate(levels[0])
        ]

    def mean_penalties(self) -> list[float]:
        """Return for each level the mean penalty over the training."""
        levels = [record["levels"] for record in self.epochs]
        return [
            statistics.fmean(epoch[place]["mean_penalty"] for epoch in levels)
            for place in range(len(levels[0]))
        ]


def read_record(folder: Path, decoded: Path) -> RunRecord | None:
    """Read the record of a training.

    Args:
        folder: The experiment.
        decoded: The decoded set, relative to it.

    Returns:
        The record; None: the training is not finished.

    Raises:
        ValueError: If a file is malformed.
    """
    scores = folder / decoded / "scores.json"
    if not scores.is_file():
        return None
    content = read_json(scores, "stage 12", SCORES)
    means = content["mean"]
    config = read_yaml(folder / "config.yaml", f"the configuration of {folder.name}")
    epochs = read_json_lines(folder / "soup.jsonl", "the training", EPOCH)
    return RunRecord(
        [
            _only(EPOCH, epoch) | {"levels": [_only(LEVEL, e) for e in epoch["levels"]]}
            for epoch in epochs
        ],
        {
            item["name"]: Score(
                item["title"], means[item["name"]]["value"], item["lower_is_better"]
            )
            for item in content["metrics"]
            if item["headline"] and item["name"] in means
        },
        {key: value for key, value in config.items() if key not in SOUP_KEYS},
        read_definition(folder),
    )


def _only(shape: Mapping[str, Any], item: Mapping[str, Any]) -> dict[str, Any]:
    return {key: item[key] for name in shape if (key := name.removesuffix("?")) in item}


def difference(
    ours: RunRecord, theirs: RunRecord, outcome: str, objectives: Sequence[str] = ("*",)
) -> float:
    """Return an outcome of one training minus that of another; NaN: not known.

    Args:
        ours: Record of the one training.
        theirs: Record of the other, of the same seed.
        outcome: `mean_loss` and `worst_loss`: mean and largest relative difference of a validation
            loss, in percent; `raised` in percentage points; scores in their own units.
        objectives: Names or patterns, such as `asr_*`, of the objectives whose losses count.
    """
    if outcome in LOSSES:
        before = theirs.losses
        relative = [  # to a loss of 0, which is rounded, nothing is known
            100 * (loss - before[name]) / abs(before[name]) if before[name] else math.nan
            for name, loss in ours.losses.items()
            if name in before and any(fnmatch.fnmatchcase(name, p) for p in objectives)
        ]
        if not relative or not all(math.isfinite(value) for value in relative):
            return math.nan
        return max(relative) if outcome == "worst_loss" else statistics.fmean(relative)
    if outcome == "raised":
        return ours.raised - theirs.raised
    if outcome not in ours.scores or outcome not in theirs.scores:
        return math.nan
    return ours.scores[outcome].value - theirs.scores[outcome].value
