"""Which of many numbers differ from 0, when all of them are looked at together."""

import math
from collections.abc import Sequence

LEVEL = 0.05  # the chance to call at least one number different from 0 that is not


def differs(p_values: Sequence[float], level: float = LEVEL) -> list[bool]:
    """Return which of many numbers differ from 0.

    Args:
        p_values: Two-sided p values; NaN: not known, which never differs.
        level: The chance of one false "differs" or more.

    Source:
        Holm, "A simple sequentially rejective multiple test procedure", 1979.

    >>> differs([0.001, 0.04, 0.02, math.nan])
    [True, True, True, False]
    >>> differs([0.001, 0.04, 0.03, math.nan])
    [True, False, False, False]
    """
    known = sorted((p, place) for place, p in enumerate(p_values) if not math.isnan(p))
    found = [False] * len(p_values)
    for rank, (p, place) in enumerate(known):
        if p > level / (len(known) - rank):
            break
        found[place] = True
    return found
