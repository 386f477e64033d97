"""Significance of many numbers that are tested together."""

import math
from collections.abc import Sequence

LEVEL = 0.05  # probability to call at least one number different from 0 that is not


def differs(p_values: Sequence[float], level: float = LEVEL) -> list[bool]:
    """Return which of many numbers differ from 0, tested together.

    Args:
        p_values: Two-sided p values; NaN if unknown, which never differs.
        level: Probability of one or more false "differs".

    Source:
        Holm, "A simple sequentially rejective multiple test procedure", 1979.

    >>> differs([0.001, 0.04, 0.02, math.nan])
    [True, True, True, False]
    >>> differs([0.001, 0.04, 0.03, math.nan])
    [True, False, False, False]
    """
    return [p <= level for p in adjust(p_values)]


def adjust(p_values: Sequence[float]) -> list[float]:
    """Return p values adjusted for their number, by Holm's method.

    Args:
        p_values: Two-sided p values; NaN if unknown, which stays NaN and does not count.

    >>> adjust([0.01, 0.04, 0.03, math.nan])
    [0.03, 0.06, 0.06, nan]
    """
    known = sorted((p, place) for place, p in enumerate(p_values) if not math.isnan(p))
    adjusted, largest = [math.nan] * len(p_values), 0.0
    for rank, (p, place) in enumerate(known):
        largest = max(largest, min(1.0, p * (len(known) - rank)))
        adjusted[place] = largest
    return adjusted
