"""Compute paired differences over seeds: intervals and p values."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

EXACT = 16  # seeds up to which all signs are tried
DRAWS = 100_000  # of signs, with more seeds


@dataclass(frozen=True)
class PairedDifference:
    """A difference between two arms over seeds.

    Attributes:
        values: The difference of every seed.
        mean: Their mean; NaN with no seed.
        low: Lower end of the 95 % interval (Student's t); NaN with fewer than two seeds.
        high: Its upper end.
        p: Two-sided p value by sign flipping; NaN with no seed.
    """

    values: tuple[float, ...]
    mean: float
    low: float
    high: float
    p: float

    def is_within(self, bound: float) -> bool:
        """Return whether the difference is shown to be smaller than a bound.

        The test is that of equivalence by two one-sided tests at 5 %: the 90 % interval lies
        inside.

        Args:
            bound: The bound, in units of the outcome.

        Source:
            Schuirmann, "A comparison of the two one-sided tests procedure and the power approach",
            1987.
        """
        if len(self.values) < 2:
            return False
        low, high = t_interval(self.values, 0.90)
        return -bound < low and high < bound


def paired_difference(values: Sequence[float]) -> PairedDifference:
    """Return the mean of paired differences with its interval and p value.

    Args:
        values: The difference of every seed.
    """
    mean = float(np.mean(values)) if values else math.nan
    low, high = t_interval(values, 0.95)
    return PairedDifference(tuple(values), mean, low, high, sign_flip_p(values))


def t_interval(values: Sequence[float], confidence: float) -> tuple[float, float]:
    """Return Student's interval of a mean; NaN if there are fewer than two values.

    Args:
        values: The values.
        confidence: Such as 0.95.

    Returns:
        (lower end, upper end).
    """
    size = len(values)
    if size < 2:
        return math.nan, math.nan
    mean, spread = float(np.mean(values)), float(np.std(values, ddof=1)) / math.sqrt(size)
    reach = float(stats.t.ppf((1 + confidence) / 2, size - 1)) * spread
    return mean - reach, mean + reach


def sign_flip_p(values: Sequence[float]) -> float:
    """Return the two-sided p value of "the differences are symmetric around 0".

    All 2^n signs are tried, or 100,000 random ones with more than 16 seeds. With n seeds it cannot
    be below 2^(1 - n).

    Args:
        values: The difference of every seed; none: the result is NaN.

    >>> sign_flip_p([1.0, 2.0, 3.0]), sign_flip_p([1.0, -1.0])
    (0.25, 1.0)
    """
    size = len(values)
    if size == 0:
        return math.nan
    numbers = np.asarray(values, dtype=np.float64)
    if size <= EXACT:
        signs = np.array(list(itertools.product((1.0, -1.0), repeat=size)))
        extra = 0
    else:
        signs = np.random.default_rng(0).choice((1.0, -1.0), size=(DRAWS, size))
        extra = 1  # the signs that were seen
    sums = np.abs(signs @ numbers)
    rounding = 1e-12 * float(np.abs(numbers).sum())  # equal sums differ by it
    reached = int((sums >= abs(float(numbers.sum())) - rounding).sum())
    return (reached + extra) / (len(signs) + extra)


def least_p(seeds: int) -> float:
    """Return the smallest p value that a number of seeds allows.

    Args:
        seeds: The number of seeds.

    >>> least_p(3), least_p(8)
    (0.25, 0.0078125)
    """
    return 2.0 ** (1 - seeds)
