"""The bootstrap against theory and against itself."""

import numpy as np
import pytest

from espnet_soups.scoring import bootstrap
from espnet_soups.scoring.bootstrap import estimate, resample_jointly, resample_sums


def test_the_interval_of_a_mean_is_that_of_the_normal_theory() -> None:
    values = np.random.default_rng(0).normal(5.0, 2.0, size=400)
    means = resample_sums(values[:, None], 4000, np.random.default_rng(1))[:, 0] / 400
    result = estimate(values.mean(), means)
    half_width = 1.96 * values.std() / np.sqrt(400)
    # 4,000 resamples leave the ends of the interval uncertain by about 3 % of its half width.
    assert result.low == pytest.approx(values.mean() - half_width, abs=0.1 * half_width)
    assert result.high == pytest.approx(values.mean() + half_width, abs=0.1 * half_width)


def test_the_interval_covers_the_true_rate_about_as_often_as_it_says() -> None:
    generator = np.random.default_rng(2)
    covered = 0
    for _ in range(300):
        errors = generator.binomial(10, 0.3, size=60).astype(float)
        rates = resample_sums(errors[:, None], 300, generator)[:, 0] / 600
        result = estimate(errors.mean() / 10, rates)
        assert result.low <= result.value <= result.high
        covered += result.low <= 0.3 <= result.high
    # Binomial(300, 0.95) lies in [273, 297] with probability 0.999; percentile intervals of 60
    # utterances cover a little less.
    assert 270 <= covered <= 298


def test_the_same_seed_gives_the_same_resamples() -> None:
    statistics = np.arange(12.0).reshape(6, 2)
    first, second = (resample_sums(statistics, 20, np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_the_size_of_blocks_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    statistics = np.arange(12.0).reshape(6, 2)
    whole = resample_sums(statistics, 20, np.random.default_rng(7))
    monkeypatch.setattr(bootstrap, "BLOCK_ELEMENTS", 18)
    np.testing.assert_array_equal(resample_sums(statistics, 20, np.random.default_rng(7)), whole)


def test_one_utterance_has_an_interval_without_width() -> None:
    sums = resample_sums(np.array([[3.0]]), 100, np.random.default_rng(0))[:, 0]
    assert estimate(3.0, sums).as_dict() == {"value": 3.0, "low": 3.0, "high": 3.0}


def spread_of_mean(groups: list[list[str]], errors: np.ndarray) -> float:
    """Standard deviation of the mean of two objectives over the resamples."""
    parts = resample_jointly([errors, errors], groups, 4000, np.random.default_rng(1))
    return float(np.mean([part[:, 0] / len(errors) for part in parts], axis=0).std())


def test_errors_that_two_objectives_share_count_once() -> None:
    errors = np.random.default_rng(0).normal(5.0, 2.0, size=(300, 1))
    keys = [str(number) for number in range(300)]
    alone = errors.std() / np.sqrt(300)
    # 4,000 resamples give a standard deviation to about 1.1 %.
    assert spread_of_mean([keys, keys], errors) == pytest.approx(alone, rel=0.05)
    apart = spread_of_mean([keys, [f"other {key}" for key in keys]], errors)
    assert apart < 0.8 * alone


def test_utterances_of_a_group_count_as_one() -> None:
    groups = np.random.default_rng(0).normal(5.0, 2.0, size=(200, 1))
    errors, names = np.repeat(groups, 2, axis=0), [str(n // 2) for n in range(400)]
    (sums,) = resample_jointly([errors], [names], 4000, np.random.default_rng(1))
    assert (sums[:, 0] / 400).std() == pytest.approx(groups.std() / np.sqrt(200), rel=0.05)


def test_no_draw_is_without_utterances_of_an_objective() -> None:
    rare, common = np.array([[1.0]]), np.ones((4, 1))
    parts = resample_jointly([rare, common], [["a"], list("abcd")], 500, np.random.default_rng(0))
    assert parts[0].min() == 1.0
    assert parts[0].max() > 1.0


def test_groups_that_cannot_be_drawn_jointly_are_refused(monkeypatch) -> None:
    monkeypatch.setattr(bootstrap, "MOST_ROUNDS", 3)
    lonely = [np.ones((1, 1)) for _ in range(30)]
    names = [[str(number)] for number in range(30)]
    with pytest.raises(ValueError, match="Of 30 groups too few hold utterances of every objective"):
        resample_jointly(lonely, names, 100, np.random.default_rng(0))
