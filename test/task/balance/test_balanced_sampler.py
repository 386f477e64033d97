"""Asked shares and weights against those that mini-batches have."""

import hashlib
import json
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from espnet_soups.task.balance.batch_type import NAMES, BatchType
from espnet_soups.task.union_sampler import (
    LanguageData,
    UnionBatchSampler,
    one_language_batches,
)

UTTERANCES = {"en": 700, "fr": 90, "it": 12}
TYPES = {name: BatchType(name, 400 if name == "folded" else 0) for name in NAMES}
SIZES = {"numel": 160_000, "length": 20_000, "unsorted": 24, "sorted": 24, "folded": 60}
# Of the sampler as it was before there were shares, weights and other batch types.
BEFORE = "3013db060f74182947f391d4b4a22af0ee9b35f3defc24c1d568083c76dae332"


def corpus(sizes=UTTERANCES, datasets=None):
    random = np.random.RandomState(3)
    return {
        name: LanguageData(
            keys=tuple(f"{name}-{index}" for index in range(size)),
            frames=random.randint(20, 2000, size),
            width=8,
            datasets=() if datasets is None else tuple(datasets(index) for index in range(size)),
        )
        for name, size in sizes.items()
    }


def found_shares(batches, amounts):
    total = Counter()
    for batch in batches:
        for key in batch:
            total[key.split("-")[0]] += amounts[key]
    return {name: value / sum(total.values()) for name, value in total.items()}


def amounts_of(data, batch_type):
    return {
        key: int(frames) if batch_type in ("numel", "length") else 1
        for utterances in data.values()
        for key, frames in zip(utterances.keys, utterances.frames, strict=True)
    }


def test_without_shares_and_weights_batches_are_those_of_before():
    made = []
    for alpha in (0.0, 0.5, 1.0):
        for rank, world in ((0, 1), (1, 3)):
            sampler = UnionBatchSampler(corpus(), 160_000, alpha, rank, world)
            made += [sampler.generate(seed) for seed in (0, 7)]
    made.append(one_language_batches(corpus(), 160_000, 2))
    assert hashlib.sha256(json.dumps(made).encode()).hexdigest() == BEFORE


def test_a_table_of_corpora_and_equal_weights_change_nothing():
    before = UnionBatchSampler(corpus(), 160_000).generate(5)
    weighed = {"even": 2.0, "odd": 2.0}
    data = corpus(datasets=lambda index: "odd" if index % 2 else "even")
    assert UnionBatchSampler(data, 160_000).generate(5) == before
    assert UnionBatchSampler(data, 160_000, dataset_weights=weighed).generate(5) == before


@pytest.mark.parametrize("batch_type", NAMES)
@pytest.mark.parametrize(
    ("shares", "asked"),
    [
        ({"fr": 0.5, "it": 0.25}, {"en": 0.25, "fr": 0.5, "it": 0.25}),
        ({"en": 6, "fr": 2, "it": 4}, {"en": 0.5, "fr": 1 / 6, "it": 1 / 3}),
    ],
)
def test_languages_have_the_shares_that_were_asked_for(batch_type, shares, asked):
    data = corpus({"en": 700, "fr": 200, "it": 120})
    sampler = UnionBatchSampler(
        data, SIZES[batch_type], batch_type=TYPES[batch_type], shares=shares
    )
    batches = [batch for seed in range(8) for batch in sampler.generate(seed)]
    # `folded` and counts come in whole utterances of few: a share cannot be hit exactly
    tolerance = 0.05 if batch_type in ("numel", "length") else 0.12
    assert found_shares(batches, amounts_of(data, batch_type)) == pytest.approx(
        asked, rel=tolerance
    )


@pytest.mark.parametrize("batch_type", NAMES)
@pytest.mark.parametrize("shares", [{}, {"fr": 0.5}])
def test_a_batch_stays_within_its_size(batch_type, shares):
    data = corpus()
    sampler = UnionBatchSampler(
        data, SIZES[batch_type], batch_type=TYPES[batch_type], shares=shares
    )
    frames = {
        key: f for d in data.values() for key, f in zip(d.keys, d.frames.tolist(), strict=True)
    }
    counting = {
        "numel": lambda longest: 8 * longest,
        "length": lambda longest: longest,
        "folded": lambda longest: 1 + longest // 400,
    }
    count = counting.get(batch_type, lambda longest: 1)
    for batch in sampler.generate(1):
        parts = [[frames[k] for k in batch if k.startswith(name)] for name in data]
        assert all(len(part) >= 2 for part in parts)
        # without parts at the minimum of two, which may exceed their limit
        total = sum(count(max(part)) * len(part) for part in parts if len(part) > 2)
        # the jitter of lengths, and that of `folded` in whole folds
        assert total <= (1.4 if batch_type == "folded" else 1.25) * SIZES[batch_type]


def test_sorted_batches_have_similar_lengths_and_unsorted_ones_any():
    data = corpus()
    frames = dict(zip(data["en"].keys, data["en"].frames.tolist(), strict=True))

    def spread(batch_type):
        sampler = UnionBatchSampler(data, 24, batch_type=TYPES[batch_type])
        parts = [[frames[k] for k in batch if k in frames] for batch in sampler.generate(1)]
        return np.mean([np.ptp(part) for part in parts])

    assert spread("sorted") < 0.2 * spread("unsorted")


@pytest.mark.parametrize("batch_type", NAMES)
def test_a_heavier_corpus_comes_as_much_more_often_as_its_weight_says(batch_type):
    data = corpus(datasets=lambda index: "rare" if index % 3 else "often")
    weights = {"often": 2.5, "rare": 1.0}
    size = SIZES[batch_type]
    sampler = UnionBatchSampler(data, size, batch_type=TYPES[batch_type], dataset_weights=weights)
    corpora = {
        key: name for d in data.values() for key, name in zip(d.keys, d.datasets, strict=True)
    }
    number = Counter(corpora.values())
    drawn = Counter()
    for seed in range(12):
        for batch in sampler.generate(seed):
            assert len(set(batch)) == len(batch)
            drawn.update(corpora[key] for key in batch)
    times = {name: drawn[name] / number[name] for name in number}
    assert times["often"] / times["rare"] == pytest.approx(2.5, rel=0.05)


def test_an_epoch_is_as_long_with_weights_as_without():
    data = corpus(datasets=lambda index: "rare" if index % 3 else "often")
    weighed = UnionBatchSampler(data, 160_000, dataset_weights={"rare": 0.2})
    assert len(weighed) == pytest.approx(len(UnionBatchSampler(data, 160_000)), rel=0.03)


@given(st.integers(1, 3), st.integers(0, 99), st.sampled_from(NAMES))
def test_ranks_have_the_same_shares_and_together_the_whole_batch(world, seed, batch_type):
    data = corpus(datasets=lambda index: "rare" if index % 3 else "often")
    options = {
        "batch_type": TYPES[batch_type],
        "shares": {"fr": 0.4, "it": 0.3},
        "dataset_weights": {"often": 2.0},
    }
    size = 2 * SIZES[batch_type]
    ranks = [
        UnionBatchSampler(data, size, 0.0, rank, world, **options).generate(seed)
        for rank in range(world)
    ]
    for parts in zip(*ranks, strict=True):
        keys = [key for part in parts for key in part]
        assert len(set(keys)) == len(keys)
        for name in data:
            counts = [sum(key.startswith(name) for key in part) for part in parts]
            assert min(counts) >= 2
            assert max(counts) - min(counts) <= 1


@given(st.integers(0, 99), st.sampled_from(NAMES))
def test_an_epoch_follows_from_its_seed_and_differs_from_others(seed, batch_type):
    def make():
        return UnionBatchSampler(
            corpus(datasets=lambda index: "rare" if index % 3 else "often"),
            SIZES[batch_type],
            batch_type=TYPES[batch_type],
            shares={"fr": 0.5},
            dataset_weights={"often": 3.0},
        )

    sampler = make()
    first = sampler.generate(seed)
    assert sampler.generate(seed + 1) != first
    assert sampler.generate(seed) == make().generate(seed) == first


def test_a_share_that_whole_utterances_cannot_have_is_told(caplog):
    UnionBatchSampler(corpus(), 30_000, shares={"it": 0.05})
    assert "`language_shares`: it has 0." in caplog.text
    assert "in place of 0.050, since it is cut into whole utterances, at least 2" in caplog.text


def test_a_number_of_utterances_below_two_of_each_language_is_refused():
    with pytest.raises(ValueError, match=r"`batch_size` is 11, but .* at least 12 .*4 \(two per"):
        UnionBatchSampler(corpus(), 11, 0.0, 0, 2, batch_type=BatchType("sorted"))


def test_weights_that_leave_too_few_utterances_of_a_pass_are_refused():
    data = corpus(datasets=lambda index: "much" if index == 0 else "little")
    with pytest.raises(ValueError, match="`dataset_weights` draw 1 utterances of language fr"):
        UnionBatchSampler(data, 160_000, dataset_weights={"little": 0.01})
