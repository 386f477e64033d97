"""Equal error rate and detection cost of scored trials, weighted by how often each was drawn."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class ErrorRates:
    """Both errors at every threshold, from accepting no trial to accepting all.

    Attributes:
        miss: Share of target trials below the threshold, [..., K], falling from 1 to 0.
        false_alarm: Share of non-target trials above it, [..., K], rising from 0 to 1.
    """

    miss: NDArray[np.float64]
    false_alarm: NDArray[np.float64]


def error_rates(
    scores: NDArray[np.float64], target: NDArray[np.bool_], weights: NDArray[np.float64]
) -> ErrorRates:
    """Compute both errors at every threshold; trials of equal score share a threshold.

    Args:
        scores: Scores of the trials, the highest first, [n].
        target: Whether each is a target trial, [n].
        weights: Weight of each trial, [..., n]; trials of both sorts must have some weight.

    >>> rates = error_rates(np.array([2.0, 1.0]), np.array([True, False]), np.ones(2))
    >>> rates.miss.tolist(), rates.false_alarm.tolist()
    ([1.0, 0.0, 0.0], [0.0, 0.0, 1.0])
    """
    ends = np.append(np.flatnonzero(np.diff(scores)), len(scores) - 1)

    def accepted(chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
        sums = np.cumsum(weights * chosen, axis=-1)[..., ends]
        shares = sums / sums[..., -1:]
        return np.concatenate([np.zeros_like(shares[..., :1]), shares], axis=-1)

    return ErrorRates(1.0 - accepted(target), accepted(~target))


def equal_error_rate(rates: ErrorRates) -> NDArray[np.float64]:
    """Return the rate at which misses and false alarms are equal, [...] in [0, 1].

    Between two thresholds both are interpolated linearly. ESPnet takes the threshold at which they
    differ least, and the larger of the two there, which is coarser by up to one trial.

    Args:
        rates: The errors at every threshold.
    """
    difference = rates.false_alarm - rates.miss  # rises from -1 to 1
    after = np.argmax(difference >= 0.0, axis=-1, keepdims=True)

    def at(values: NDArray[np.float64], index: NDArray[np.intp]) -> NDArray[np.float64]:
        return np.take_along_axis(values, index, axis=-1)[..., 0]

    low, high = at(difference, after - 1), at(difference, after)
    share = -low / (high - low)
    start, end = at(rates.false_alarm, after - 1), at(rates.false_alarm, after)
    result: NDArray[np.float64] = start + share * (end - start)
    return result


def min_detection_cost(rates: ErrorRates, p_target: float) -> NDArray[np.float64]:
    """Return the smallest detection cost over all thresholds, [...] in [0, 1].

    Misses and false alarms cost the same. It is divided by the cost of the better of the two
    systems that accept all or nothing.

    Args:
        rates: The errors at every threshold.
        p_target: Probability of a target trial, between 0 and 1.

    Source: NIST 2016 Speaker Recognition Evaluation Plan, section 3.
    """
    cost = p_target * rates.miss + (1.0 - p_target) * rates.false_alarm
    least: NDArray[np.float64] = cost.min(axis=-1) / min(p_target, 1.0 - p_target)
    return least
