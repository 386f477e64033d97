"""The effect of the method: how far the weights moved, and which objectives steps raised."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from espnet_soups.report.history import History
from espnet_soups.report.level import Level

NEAR_UNIFORM = 0.05  # total variation distance: a twentieth of the weight has moved
DIGITS = 6  # of a number in results.json, so that its diffs stay readable

Values = NDArray[np.float64]


def describe_method(history: History) -> dict[str, Any]:
    """Return the entries of `results.json` about the method.

    Args:
        history: The curves of the training.

    Returns:
        `method`, an entry per level (empty without a soup or a record of it); `signal_share`,
        `raised` and `raised_any`, means over the training with equal weight of every measured step,
        from 0 to 1; `measured_steps` and `optimizer_steps` of the whole training. None means
        unknown.
    """
    levels = history.levels
    recorded = all(level.moves is not None for level in levels)
    measured = history.measured_steps
    return {
        "method": [
            _describe_level(number, level, history.optimizer_steps)
            for number, level in enumerate(levels, start=1)
            if recorded
        ],
        "signal_share": {
            name: _mean(curve, measured) for name, curve in history.signal_shares.items()
        },
        "raised": {name: _mean(curve, measured) for name, curve in history.raised.items()},
        "raised_any": _mean(history.raised_any, measured),
        "measured_steps": _total(measured),
        "optimizer_steps": _total(history.optimizer_steps),
    }


def can_move(level: Mapping[str, Any]) -> bool:
    """Return True if any weight of a level can move.

    Args:
        level: An entry of `method`.

    >>> can_move({"moves": True, "objectives": ["asr_fr"]})
    False
    """
    return bool(level["moves"]) and len(level["objectives"]) > 1


def stayed_near_uniform(training: Mapping[str, Any]) -> bool:
    """Return True if no level with weights that can move has ever gone far from uniform.

    Args:
        training: The entry `training` of results.json.

    Returns:
        False also if nothing can move (there is no combiner to test), or if it is unknown how far
        the weights went.

    >>> level = {"moves": True, "objectives": ["asr_fr", "asr_it"], "largest_distance": 0.04}
    >>> stayed_near_uniform({"method": [level]}), stayed_near_uniform({"method": []})
    (True, False)
    """
    largest = [item["largest_distance"] for item in training.get("method", []) if can_move(item)]
    return bool(largest) and all(far is not None and far < NEAR_UNIFORM for far in largest)


def weighted_mean(values: Values, counts: Values) -> Values:
    """Return the mean over epochs, each with its own weight.

    Args:
        values: One or more values of each epoch, NaN if unknown, [E, …].
        counts: Weight of each epoch, NaN for 0, [E].

    Returns:
        The means […]; NaN where no epoch with a weight is known.

    >>> weighted_mean(np.array([0.5, 1.0, np.nan]), np.array([30.0, 10.0, 20.0])).item()
    0.625
    """
    shape = (-1,) + (1,) * (values.ndim - 1)
    counts = np.where(np.isfinite(values), np.nan_to_num(counts).reshape(shape), 0.0)
    total = np.where(counts > 0.0, np.nan_to_num(values) * counts, 0.0).sum(axis=0)
    number = counts.sum(axis=0)
    return np.where(number > 0.0, total / np.where(number > 0.0, number, 1.0), np.nan)


def _describe_level(number: int, level: Level, steps: Values | None) -> dict[str, Any]:
    distances = np.concatenate([level.distances, level.mean_distances])
    known = distances[np.isfinite(distances)]
    mean = np.full(len(level.objectives), np.nan)
    if steps is not None:
        mean = weighted_mean(level.mean_weights, steps)
    return {
        "level": number,
        "objectives": level.objectives,
        "combiner": level.combiner,
        "moves": bool(level.moves),
        "penalty": _number(level.penalties[-1]),
        "weights": [_number(weight) for weight in level.weights[-1]],
        "mean_weights": [_number(weight) for weight in mean],
        "distance": _number(level.distances[-1]),
        "largest_distance": _number(known.max()) if known.size else None,
    }


def _mean(curve: Values | None, counts: Values | None) -> float | None:
    if curve is None or counts is None:
        return None
    return _number(weighted_mean(curve, counts))


def _total(counts: Values | None) -> int | None:
    return None if counts is None else int(np.nansum(counts))


def _number(value: Any) -> float | None:
    return float(f"{float(value):.{DIGITS}g}") if math.isfinite(value) else None
