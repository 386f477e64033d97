"""Whether the method was at work: what the soup did to the weights, and what the steps did."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from espnet_soups.report.history import History
from espnet_soups.report.level import Level

NEAR_UNIFORM = 0.05  # total variation distance: a twentieth of the weight elsewhere
DIGITS = 6  # of a number in results.json, so that its diffs stay readable

Values = NDArray[np.float64]


def describe_method(history: History) -> dict[str, Any]:
    """Return what `results.json` says of the method.

    Args:
        history: The training.

    Returns:
        `method`, an entry per level (none where there was no soup or where it was not recorded);
        `signal_share`, `raised` and `raised_any`, means over the training in which every measured
        step counts the same, from 0 to 1; `measured_steps` and `optimizer_steps` of the whole
        training. None: not known.
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
    """Return whether any weight of a level of `method` can move.

    >>> can_move({"moves": True, "objectives": ["asr_fr"]})
    False
    """
    return bool(level["moves"]) and len(level["objectives"]) > 1


def stayed_near_uniform(training: Mapping[str, Any]) -> bool:
    """Return whether no level that can move its weights has ever gone far from uniform.

    Args:
        training: `training` of results.json.

    Returns:
        False also where nothing can move (there is no combiner to test), and where it is not
        known how far the weights went.

    >>> level = {"moves": True, "objectives": ["asr_fr", "asr_it"], "largest_distance": 0.04}
    >>> stayed_near_uniform({"method": [level]}), stayed_near_uniform({"method": []})
    (True, False)
    """
    largest = [item["largest_distance"] for item in training.get("method", []) if can_move(item)]
    return bool(largest) and all(far is not None and far < NEAR_UNIFORM for far in largest)


def weighted_mean(values: Values, counts: Values) -> Values:
    """Return the mean over epochs, each weighted by how often it counts.

    Args:
        values: One or more values of each epoch, NaN where they are not known, [E, …].
        counts: How often each epoch counts, NaN for never, [E].

    Returns:
        […]; NaN where no epoch that counts is known.

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
