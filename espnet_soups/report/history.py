"""The course of a training, from soup.jsonl or, without a soup, from ESPnet's train.log."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from espnet_soups.conflict.table import FILE as CONFLICT_FILE
from espnet_soups.conflict.table import Row, read_conflicts
from espnet_soups.files import read_json_lines, require_shape
from espnet_soups.report.cosines import read_cosines
from espnet_soups.report.layer_conflict import LayerCourse, read_layers
from espnet_soups.report.level import Level, read_levels, to_array
from espnet_soups.report.seen import SEEN, times_seen
from espnet_soups.report.train_log import TrainLog
from espnet_soups.report.valid_scores import SCORES, ScoreCourse, read_courses

SOUP_FILE = "soup.jsonl"
CONFLICT_DIR = "conflict"  # folder of stage 8
Curves = dict[str, NDArray[np.float64]]
VALUES = dict[str, float | None]
EPOCH = {
    **{"epoch?": int, "seconds?": float, "valid_seconds?": float, "objectives?": list[str]},
    **{"loss?": VALUES, "valid_loss?": VALUES, "valid_accuracy?": VALUES, "raised?": VALUES},
    **{"gradient_norm?": VALUES, "signal_share?": VALUES, "raised_any?": float},
    "layers?": {"*": {"mean": list[float | None], "worst": list[float | None]}},
    **{"optimizer_steps?": float, "measured_steps?": float, "unalignable?": dict[str, int]},
    **{"seen?": SEEN, "scores?": SCORES},
}


@dataclass(frozen=True)
class History:
    """Curves over E epochs; NaN where a value is unknown.

    Attributes:
        objectives: Names of the objectives, in the order of the run.
        epochs: Numbers of the epochs, [E].
        seconds: Training time of all epochs without validation, s.
        losses: Training loss of each objective per token, [E].
        valid_losses: The same on the validation data.
        accuracies: Share of correct tokens on the validation data, [E]; only of objectives with a
            record.
        levels: The levels, the top one first; empty if there is only a train.log.
        norms: Norm of the gradient of each objective without the noise of the batches, [E]; only
            where it was ever above the noise.
        signal_shares: Share of signal in a measured gradient, [E]; only of measured objectives.
        raised: Share of the measured steps that raised the objective, [E]; only of measured
            objectives.
        raised_any: Share of steps that raised at least one objective, [E]; None if never measured.
        cosines: Cosines between the objectives' gradients without the noise of the batches, mean of
            each epoch, [E, m, m]; None if no pair was ever measured.
        cosine_steps: Number of steps on which each was measured, [E, m, m].
        layers: The conflict of each measured layer over the epochs.
        conflicts: The table of stage 8; empty if it did not run.
        optimizer_steps: Number of optimiser steps in each epoch, [E]; None if not counted.
        measured_steps: Number of measured ones among them, [E]; None if not counted.
        valid_seconds: Time of all validations, s; None if not recorded.
        unalignable: Labels of the last epoch that CTC could not align, by objective.
        seen: Average number of times an utterance of each language and corpus was seen in all
            epochs; empty if not counted.
        scores: Course of each score of part of the validation set, by name; empty without them.
    """

    objectives: list[str]
    epochs: list[int]
    seconds: float
    losses: Curves
    valid_losses: Curves
    accuracies: Curves = field(default_factory=dict)
    levels: list[Level] = field(default_factory=list)
    norms: Curves = field(default_factory=dict)
    signal_shares: Curves = field(default_factory=dict)
    raised: Curves = field(default_factory=dict)
    raised_any: NDArray[np.float64] | None = None
    cosines: NDArray[np.float64] | None = None
    cosine_steps: NDArray[np.float64] | None = None
    optimizer_steps: NDArray[np.float64] | None = None
    measured_steps: NDArray[np.float64] | None = None
    valid_seconds: float | None = None
    unalignable: dict[str, int] = field(default_factory=dict)
    layers: LayerCourse | None = None
    conflicts: list[Row] = field(default_factory=list)
    seen: dict[str, float] = field(default_factory=dict)
    scores: dict[str, ScoreCourse] = field(default_factory=dict)


def read_history(exp_dir: Path, log: TrainLog) -> History:
    """Read the history of an experiment.

    Args:
        exp_dir: Folder of the experiment.
        log: The content of its train.log.

    Returns:
        The curves.

    Raises:
        ValueError: If neither soup.jsonl nor the log holds an epoch.
    """
    path = exp_dir / SOUP_FILE
    records = read_json_lines(path, "the training (stage 9)") if path.is_file() else []
    if records:
        try:
            for record in records:
                require_shape(record, EPOCH, "an epoch", "the training")
            history = _from_records(records)
        except (KeyError, TypeError, IndexError, ValueError, AttributeError) as error:
            raise ValueError(
                f"{path} is not as the trainer writes it ({error!r}); train anew, or remove it."
            ) from error
        return replace(history, conflicts=_conflicts_of(exp_dir))
    if log.values.get("train"):
        return _from_log(log)
    raise ValueError(
        f"{exp_dir} has no finished epoch, neither in {SOUP_FILE} nor in train.log; train first"
        " (stage 9)."
    )


def _from_records(records: Sequence[Mapping[str, Any]]) -> History:
    last = records[-1]
    names = list(last["objectives"])
    cosines, steps = read_cosines(records, len(names))
    measured = bool(np.isfinite(cosines).any())
    valid_seconds = to_array(record.get("valid_seconds") for record in records).sum()
    norms = {
        name: np.where(curve > 0.0, curve, np.nan)  # no logarithm of nought
        for name, curve in _read_curves(records, "gradient_norm").items()
    }
    return History(
        objectives=names,
        epochs=[record["epoch"] for record in records],
        seconds=sum(record["seconds"] for record in records),
        losses=_curves(names, [record["loss"] for record in records]),
        valid_losses=_curves(names, [record["valid_loss"] for record in records]),
        accuracies=_known(_read_curves(records, "valid_accuracy")),
        levels=read_levels(records),
        norms=_known(norms),
        signal_shares=_known(_read_curves(records, "signal_share")),
        raised=_known(_read_curves(records, "raised")),
        raised_any=_read_curve(records, "raised_any"),
        cosines=cosines if measured else None,
        cosine_steps=steps if measured else None,
        optimizer_steps=_read_curve(records, "optimizer_steps"),
        measured_steps=_read_curve(records, "measured_steps"),
        valid_seconds=None if np.isnan(valid_seconds) else float(valid_seconds),
        layers=read_layers(records),
        unalignable={name: bad for name, bad in (last.get("unalignable") or {}).items() if bad},
        seen=times_seen(records),
        scores=read_courses(records),
    )


def _conflicts_of(exp_dir: Path) -> list[Row]:
    path = exp_dir / CONFLICT_DIR / CONFLICT_FILE
    return read_conflicts(path) if path.is_file() else []


def _from_log(log: TrainLog) -> History:
    epochs = sorted(log.values["train"])
    found = {
        name.removeprefix("loss/"): None
        for epoch in epochs
        for name in log.values["train"][epoch]
        if name.startswith("loss/")
    }

    def collect(section: str, kind: str) -> Curves:
        rows = log.values.get(section, {})
        return {
            name: to_array(rows.get(epoch, {}).get(f"{kind}/{name}") for epoch in epochs)
            for name in found
        }

    return History(
        objectives=list(found),
        epochs=epochs,
        seconds=sum(log.seconds.values()),
        losses=collect("train", "loss"),
        valid_losses=collect("valid", "loss"),
        accuracies=_known(collect("valid", "acc")),
    )


def _read_curves(records: Sequence[Mapping[str, Any]], key: str) -> Curves:
    rows = [record.get(key) or {} for record in records]
    return _curves(records[-1]["objectives"], rows)


def _read_curve(records: Sequence[Mapping[str, Any]], key: str) -> NDArray[np.float64] | None:
    curve = to_array(record.get(key) for record in records)
    return curve if np.isfinite(curve).any() else None


def _curves(names: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> Curves:
    return {name: to_array(row.get(name) for row in rows) for name in names}


def _known(curves: Curves) -> Curves:
    return {name: curve for name, curve in curves.items() if np.isfinite(curve).any()}
