"""How a training went, from soup.jsonl or, where there is no soup, from ESPnet's train.log."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from espnet_soups.report.cosines import read_cosines
from espnet_soups.report.json_file import read_json_lines
from espnet_soups.report.train_log import TrainLog

SOUP_FILE = "soup.jsonl"
Curves = dict[str, NDArray[np.float64]]


@dataclass(frozen=True)
class History:
    """Curves over E epochs; NaN where a value is not known.

    Attributes:
        objectives: Names, in the order of the run.
        epochs: Numbers of the epochs, [E].
        seconds: Training time of all epochs, validation not counted.
        losses: Training loss of each objective per token, [E].
        valid_losses: The same on the validation data.
        accuracies: Share of right tokens on the validation data, [E]; only what was recorded.
        levels: Objectives of each level, the top level first; empty without a soup.
        weights: λ of each objective, [E].
        penalties: Penalty of each level but the top one, by the number of the level, [E].
        norms: Norm of the gradient of each objective, [E].
        cosines: Mean cosines between the objectives' gradients in each epoch, [E, m, m]; None if
            no pair was ever measured.
        cosine_steps: On how many steps each was measured, [E, m, m].
        valid_seconds: Time of all validations; None if it was not recorded.
        unalignable: Labels of the last epoch that CTC could not align, by objective.
    """

    objectives: list[str]
    epochs: list[int]
    seconds: float
    losses: Curves
    valid_losses: Curves
    accuracies: Curves = field(default_factory=dict)
    levels: list[list[str]] = field(default_factory=list)
    weights: Curves = field(default_factory=dict)
    penalties: dict[int, NDArray[np.float64]] = field(default_factory=dict)
    norms: Curves = field(default_factory=dict)
    cosines: NDArray[np.float64] | None = None
    cosine_steps: NDArray[np.float64] | None = None
    valid_seconds: float | None = None
    unalignable: dict[str, int] = field(default_factory=dict)


def read_history(exp_dir: Path, log: TrainLog) -> History:
    """Read the history of an experiment.

    Args:
        exp_dir: The experiment.
        log: Its train.log.

    Raises:
        ValueError: If neither soup.jsonl nor the log holds an epoch.
    """
    path = exp_dir / SOUP_FILE
    records = read_json_lines(path, "the training (stage 9)") if path.is_file() else []
    if records:
        try:
            return _from_records(records)
        except (KeyError, TypeError, IndexError, ValueError) as error:
            raise ValueError(
                f"{path} is not as the trainer writes it ({error!r}); train anew, or remove it."
            ) from error
    if log.values.get("train"):
        return _from_log(log)
    raise ValueError(
        f"{exp_dir} has no finished epoch, neither in {SOUP_FILE} nor in train.log; train first"
        " (stage 9)."
    )


def _from_records(records: Sequence[Mapping[str, Any]]) -> History:
    last = records[-1]
    names = list(last["objectives"])
    weights = [
        {
            name: weight
            for level in record["levels"]
            for name, weight in zip(level["objectives"], level["weights"], strict=True)
        }
        for record in records
    ]
    penalties = {
        index + 1: _array(record["levels"][index]["penalty"] for record in records)
        for index in range(1, len(last["levels"]))
    }
    cosines, steps = read_cosines(records, len(names))
    measured = bool(np.isfinite(cosines).any())
    norms = _known(_curves(names, [record["gradient_norm"] for record in records]))
    static = not measured and not norms and len(last["levels"]) == 1
    valid_seconds = _array(record.get("valid_seconds") for record in records).sum()
    return History(
        objectives=names,
        epochs=[record["epoch"] for record in records],
        seconds=sum(record["seconds"] for record in records),
        losses=_curves(names, [record["loss"] for record in records]),
        valid_losses=_curves(names, [record["valid_loss"] for record in records]),
        accuracies=_known(
            _curves(names, [record.get("valid_accuracy") or {} for record in records])
        ),
        levels=[list(level["objectives"]) for level in last["levels"]],
        # Weights that no gradient ever moved are settings, not a curve.
        weights={} if static else _curves(names, weights),
        penalties=penalties,
        norms=norms,
        cosines=cosines if measured else None,
        cosine_steps=steps if measured else None,
        valid_seconds=None if np.isnan(valid_seconds) else float(valid_seconds),
        unalignable={name: bad for name, bad in last.get("unalignable", {}).items() if bad},
    )


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
            name: _array(rows.get(epoch, {}).get(f"{kind}/{name}") for epoch in epochs)
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


def _curves(names: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> Curves:
    return {name: _array(row.get(name) for row in rows) for name in names}


def _known(curves: Curves) -> Curves:
    return {name: curve for name, curve in curves.items() if np.isfinite(curve).any()}


def _array(values: Iterable[Any]) -> NDArray[np.float64]:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
