"""Equal error rate and detection cost against scikit-learn, SciPy and ESPnet."""

import numpy as np
import pytest
from espnet2.utils.eer import ComputeErrorRates, ComputeMinDcf, tuneThresholdfromScore
from scipy.interpolate import interp1d
from scipy.optimize import brentq
from sklearn.metrics import roc_curve

from espnet_soups.objectives.metrics.detection_errors import (
    equal_error_rate,
    error_rates,
    min_detection_cost,
)


def some_trials(seed, size=300, overlap=1.0, digits=None):
    """Make scores of trials, the highest first; with `digits` many are equal."""
    random = np.random.default_rng(seed)
    target = random.random(size) < 0.4
    scores = random.normal(size=size) * overlap + target
    scores = scores if digits is None else scores.round(digits)
    order = np.argsort(-scores)
    return scores[order], target[order]


def sklearn_eer(scores, target, weights):
    """Where the ROC of scikit-learn crosses the falling diagonal."""
    false_alarm, hit, _ = roc_curve(target, scores, sample_weight=weights)
    return brentq(lambda x: 1.0 - x - interp1d(false_alarm, hit)(x), 0.0, 1.0, xtol=1e-13)


@pytest.mark.parametrize("digits", [None, 1])
@pytest.mark.parametrize("seed", range(4))
def test_the_equal_error_rate_is_where_scikit_learns_curve_crosses_the_diagonal(seed, digits):
    scores, target = some_trials(seed, digits=digits)
    weights = np.random.default_rng(seed).integers(0, 4, size=(3, len(scores))).astype(float)
    ours = equal_error_rate(error_rates(scores, target, weights))
    for value, own in zip(ours, weights, strict=True):
        kept = own > 0
        assert value == pytest.approx(sklearn_eer(scores[kept], target[kept], own[kept]), abs=1e-10)


@pytest.mark.parametrize("seed", range(4))
def test_espnets_equal_error_rate_differs_by_less_than_one_trial(seed):
    scores, target = some_trials(seed)
    ours = 100.0 * equal_error_rate(error_rates(scores, target, np.ones(len(scores))))
    theirs = tuneThresholdfromScore(scores, target.astype(int), [0.01])[1]
    step = 100.0 / min(target.sum(), (~target).sum())
    # scikit-learn leaves thresholds out between which the curve is straight: several trials
    assert abs(ours - theirs) < 5 * step


@pytest.mark.parametrize("p_target", [0.01, 0.05, 0.5])
@pytest.mark.parametrize("seed", range(4))
def test_the_least_cost_is_that_of_espnet(seed, p_target):
    scores, target = some_trials(seed, overlap=0.4)
    ours = min_detection_cost(error_rates(scores, target, np.ones(len(scores))), p_target)
    misses, alarms, thresholds = ComputeErrorRates(scores, target.astype(int).tolist())
    theirs, _ = ComputeMinDcf(misses, alarms, thresholds, p_target, 1, 1)
    # ESPnet looks at no threshold below which nothing is missed
    nothing_missed = (~target)[: np.flatnonzero(target)[-1] + 1].sum() / (~target).sum()
    least = min(theirs, (1 - p_target) * nothing_missed / min(p_target, 1 - p_target))
    assert ours == pytest.approx(least)


def test_perfect_scores_make_no_error_and_reversed_ones_only_errors():
    scores, target = np.array([4.0, 3.0, 2.0, 1.0]), np.array([True, True, False, False])
    for wanted, right in ((0.0, target), (1.0, ~target)):
        rates = error_rates(scores, right, np.ones(4))
        assert equal_error_rate(rates) == wanted
        assert min_detection_cost(rates, 0.01) == wanted


def test_scores_that_say_nothing_err_half_the_time():
    random = np.random.default_rng(0)
    target = random.random(20_000) < 0.5
    ones = np.ones(20_000)
    rates = error_rates(-np.sort(-random.random(20_000)), target, ones)
    assert equal_error_rate(rates) == pytest.approx(0.5, abs=0.02)
    assert equal_error_rate(error_rates(ones, target, ones)) == pytest.approx(0.5)
    assert min_detection_cost(rates, 0.01) == pytest.approx(1.0, abs=0.01)


def test_a_trial_of_weight_two_counts_like_two_trials():
    scores, target = some_trials(7, size=40)
    weights = np.random.default_rng(7).integers(0, 3, size=40)
    once = error_rates(scores, target, weights.astype(float))
    repeated = np.repeat(np.arange(40), weights)
    often = error_rates(scores[repeated], target[repeated], np.ones(len(repeated)))
    assert equal_error_rate(once) == pytest.approx(equal_error_rate(often))
    assert min_detection_cost(once, 0.05) == pytest.approx(min_detection_cost(often, 0.05))
