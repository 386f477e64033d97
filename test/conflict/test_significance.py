"""Holm's procedure, against adjusted p values: a formulation without steps."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from espnet_soups.conflict.significance import differs


@given(st.lists(st.floats(0, 0.2) | st.just(math.nan), max_size=12), st.floats(0.01, 0.2))
def test_what_differs_has_an_adjusted_p_value_up_to_the_level(p_values, level):
    p = np.array(p_values, dtype=float)
    known = np.isfinite(p)
    adjusted = np.full(len(p), np.inf)
    order = np.argsort(p[known], kind="stable")
    factors = known.sum() - np.arange(known.sum())
    # divided as the procedure compares, so that rounding is the same
    least = np.maximum.accumulate(p[known][order] > level / factors) if known.any() else []
    adjusted[np.flatnonzero(known)[order]] = np.where(least, np.inf, 0.0)
    assert differs(p_values, level) == (adjusted == 0.0).tolist()
