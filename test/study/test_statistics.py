"""Paired differences against SciPy's own tests."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from espnet_soups.study.statistics import paired_difference, sign_flip_p, t_interval

SEEDS = st.lists(st.integers(-50, 50).map(lambda n: n / 8), min_size=2, max_size=8)


@given(SEEDS)
def test_the_p_value_is_that_of_scipys_paired_permutation_test(values):
    zeros = np.zeros(len(values))
    reference = stats.permutation_test(
        (np.array(values), zeros),
        lambda x, y, axis: np.mean(x - y, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=np.inf,
    )
    assert sign_flip_p(values) == pytest.approx(reference.pvalue)


@given(SEEDS.filter(lambda values: len(set(values)) > 1))
def test_the_interval_is_that_of_scipys_t_test(values):
    reference = stats.ttest_1samp(values, 0.0).confidence_interval(0.95)
    assert t_interval(values, 0.95) == pytest.approx((reference.low, reference.high))


def test_many_seeds_are_drawn_and_agree_with_the_normal_approximation():
    values = np.random.default_rng(1).normal(0.3, 1.0, size=60)
    z = values.sum() / math.sqrt((values**2).sum())
    assert sign_flip_p(values.tolist()) == pytest.approx(2 * stats.norm.sf(abs(z)), abs=0.01)


def test_equivalence_needs_an_interval_inside_the_bound():
    found = paired_difference([0.1, -0.1, 0.05, 0.0])
    low, high = t_interval(found.values, 0.90)
    edge = max(-low, high)
    assert found.is_within(edge * 1.01)
    assert not found.is_within(edge * 0.99)
    assert not paired_difference([0.0]).is_within(5.0)  # one seed shows nothing
    assert math.isnan(paired_difference([]).mean)


@pytest.mark.parametrize("tenths", [[-10, 9, 1, 0], [-28, -2, 12, -22, 27, -5, 18]])
def test_sums_that_are_equal_but_for_rounding_count_as_equal(tenths):
    assert sign_flip_p([number / 10 for number in tenths]) == 1.0  # their sum is 0
