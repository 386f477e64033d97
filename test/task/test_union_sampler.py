import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from espnet_soups.task.union_sampler import (
    LanguageData,
    UnionBatchSampler,
    one_language_batches,
)


@st.composite
def corpora(draw, smallest=2):
    sizes = draw(st.lists(st.integers(smallest, 40), min_size=1, max_size=4))
    random = np.random.RandomState(draw(st.integers(0, 1000)))
    return {
        name: LanguageData(
            keys=tuple(f"{name}-{n}" for n in range(size)),
            frames=random.randint(1, 200, size),
            width=3,
        )
        for name, size in zip("abcd", sizes, strict=False)
    }


bins = st.integers(300, 20_000)
alphas = st.sampled_from([0.0, 0.5, 1.0])


@given(corpora(), bins, alphas, st.integers(0, 99))
def test_every_batch_holds_two_of_every_language_and_an_epoch_loses_nobody(
    data, batch_bins, alpha, seed
):
    sampler = UnionBatchSampler(data, batch_bins, alpha)
    batches = sampler.generate(seed)
    assert len(batches) == len(sampler)
    for batch in batches:
        assert len(set(batch)) == len(batch)
        for name in data:
            assert sum(key.startswith(name) for key in batch) >= 2
    seen = {key for batch in batches for key in batch}
    assert seen == {key for language in data.values() for key in language.keys}


@given(corpora(), bins, st.integers(0, 99))
def test_a_language_with_most_batches_comes_exactly_once(data, batch_bins, seed):
    sampler = UnionBatchSampler(data, batch_bins)
    longest = max(data, key=lambda name: len(sampler.sizes[name]))
    keys = [k for batch in sampler.generate(seed) for k in batch if k.startswith(longest)]
    assert sorted(keys) == sorted(data[longest].keys)


@given(corpora(), bins, st.integers(0, 99))
def test_batches_follow_from_the_seed_alone(data, batch_bins, seed):
    batches = UnionBatchSampler(data, batch_bins).generate(seed)
    assert UnionBatchSampler(data, batch_bins).generate(seed) == batches


def test_epochs_differ():
    data = {"a": LanguageData(tuple(map(str, range(50))), np.arange(50) + 50, 1)}
    sampler = UnionBatchSampler(data, 500)
    assert sampler.generate(1) != sampler.generate(2)


@given(corpora(smallest=6), bins, st.integers(1, 3), st.integers(0, 99))
def test_ranks_share_out_the_batch_of_all(data, batch_bins, world, seed):
    parts = [
        UnionBatchSampler(data, batch_bins, rank=rank, world_size=world).generate(seed)
        for rank in range(world)
    ]
    for step in zip(*parts, strict=True):
        keys = [key for part in step for key in part]
        assert len(set(keys)) == len(keys)
        for part in step:
            assert all(sum(key.startswith(name) for key in part) >= 2 for name in data)
    shared = {key for part in parts for batch in part for key in batch}
    assert shared == {key for language in data.values() for key in language.keys}


@given(corpora(), bins)
def test_a_batch_of_more_than_the_least_exceeds_its_bins_by_the_jitter_at_most(data, batch_bins):
    sampler = UnionBatchSampler(data, batch_bins)
    for name, sizes in sampler.sizes.items():
        frames, end = np.sort(data[name].frames), 0
        for position, size in enumerate(sizes):
            end += size
            last = position == len(sizes) - 1  # a remainder joins the batch before
            if size > 2 and not last:
                assert frames[end - 1] * 3 * size <= sampler.limits[name]


def test_natural_shares_follow_the_size_of_a_language():
    data = {
        "a": LanguageData(tuple(map(str, range(30))), np.full(30, 10), 1),
        "b": LanguageData(tuple(map(str, range(10))), np.full(10, 10), 1),
    }
    assert UnionBatchSampler(data, 400, alpha=1.0).limits == {"a": 300.0, "b": 100.0}
    assert UnionBatchSampler(data, 400, alpha=0.0).limits == {"a": 200.0, "b": 200.0}


@given(corpora(), bins)
def test_validation_batches_hold_one_language_and_every_utterance_once(data, batch_bins):
    batches = one_language_batches(data, batch_bins)
    assert all(len({key[0] for key in batch}) == 1 for batch in batches)
    keys = sorted(key for batch in batches for key in batch)
    assert keys == sorted(key for language in data.values() for key in language.keys)


def test_too_few_utterances_for_the_ranks_are_refused():
    data = {"a": LanguageData(("1", "2", "3"), np.array([1, 2, 3]), 1)}
    with pytest.raises(ValueError, match=r"a has 3 training utterances.*at least 4"):
        UnionBatchSampler(data, 100, world_size=2)
    with pytest.raises(ValueError, match=r"a has 3 validation utterances.*at least 4"):
        one_language_batches(data, 100, smallest=4)
