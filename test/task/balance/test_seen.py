import logging
from collections import Counter

import numpy as np
import pytest

from espnet_soups.task.balance.seen import CountedIterFactory, Seen, count_seen
from espnet_soups.task.union_sampler import LanguageData, UnionBatchSampler


def corpus():
    return {
        "fr": LanguageData(("f1", "f2", "f3"), np.array([10, 20, 30]), 4, ("cv", "mls", "mls")),
        "it": LanguageData(("i1", "i2"), np.array([40, 40]), 4, ("cv", "cv")),
    }


def test_what_is_seen_is_counted_by_language_and_corpus():
    found = count_seen(corpus(), [["f1", "f3", "i1"], ["f1", "i1", "i2"], ["i1"]])
    assert found["languages"] == {
        "fr": Seen(utterances=3, seen=2, drawn=3, most=2, share=round(50 / 210, 4)),
        "it": Seen(utterances=2, seen=2, drawn=4, most=3, share=round(160 / 210, 4)),
    }
    assert found["datasets"]["mls"] == Seen(2, 1, 1, 1, round(30 / 210, 4))
    assert found["datasets"]["cv"].drawn == 6


def test_without_corpora_there_are_languages_alone():
    data = {"fr": LanguageData(("f1", "f2"), np.array([1, 2]), 1)}
    assert count_seen(data, [["f1"]]).keys() == {"languages"}


@pytest.mark.parametrize("epoch", [1, 2, 5])
@pytest.mark.parametrize("steps", [None, 7, 100])
def test_the_first_rank_counts_what_all_ranks_take_in_an_epoch(caplog, epoch, steps):
    data = {
        name: LanguageData(tuple(f"{name}{n}" for n in range(size)), np.arange(size) + 50, 1)
        for name, size in (("fr", 60), ("it", 12))
    }
    factories = [
        CountedIterFactory(
            UnionBatchSampler(data, 900, 0.0, rank, 2),
            dataset=None,
            shuffle=True,
            num_iters_per_epoch=steps,
        )
        for rank in range(2)
    ]
    taken = Counter()
    with caplog.at_level(logging.INFO):
        for factory in factories:
            for batch in factory.build_iter(epoch).batch_sampler:
                taken.update(batch)
    french = factories[0].seen["languages"]["fr"]
    assert french.drawn == sum(n for key, n in taken.items() if key.startswith("fr"))
    assert french.most == max(n for key, n in taken.items() if key.startswith("fr"))
    assert factories[0].record()["languages"]["it"]["drawn"] == taken.total() - french.drawn
    assert factories[1].seen == {}
    assert caplog.text.count(f"epoch {epoch} sees fr") == 1
