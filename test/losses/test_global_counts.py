"""Two ranks on one process: what each adds to the sum is written down, and then summed."""

import pytest
import torch

import espnet_soups.losses.global_counts as global_counts
from espnet_soups.losses.loss_sum import LossSum

NAN = float("nan")
# (total, count, right tokens) of three objectives; the last one has no label anywhere.
FIRST = [(6.0, 3.0, 2.0), (0.0, 0.0, NAN), (0.0, 0.0, NAN)]
SECOND = [(2.0, 5.0, 2.0), (8.0, 4.0, 1.0), (0.0, 0.0, NAN)]


WATCHED = [("gain",), (), ()]


def make_sums(numbers, gain=NAN):
    watched = [{"gain": torch.tensor(gain)}, {}, {}]
    return [
        [
            LossSum(*(torch.tensor(value) for value in three), utterances=1, watched=own)
            for three, own in zip(numbers, watched, strict=True)
        ]
    ]


@pytest.fixture
def on_both_ranks(monkeypatch):
    """Return what each of two ranks knows, for its sums and its number of utterances."""

    def count(*ranks):
        sent = []
        monkeypatch.setattr(global_counts, "sum_over_ranks", lambda v: sent.append(v.clone()) or v)
        for sums, utterances in ranks:
            global_counts.count_over_ranks(sums, utterances, WATCHED)
        monkeypatch.setattr(global_counts, "sum_over_ranks", lambda _: sum(sent))
        return [global_counts.count_over_ranks(*rank, WATCHED) for rank in ranks]

    return count


def test_losses_and_accuracies_are_means_per_label_token_of_all_ranks(on_both_ranks):
    for known in on_both_ranks((make_sums(FIRST), 2), (make_sums(SECOND), 6)):
        assert known.losses.tolist() == pytest.approx([1.0, 2.0, NAN], nan_ok=True)
        assert known.accuracies.tolist() == pytest.approx([0.5, 0.25, NAN], nan_ok=True)
        assert known.present.tolist() == [[True, True, False]]
        assert known.finite.tolist() == [True, True, True]


def test_shares_turn_a_mean_by_utterances_into_a_sum(on_both_ranks):
    first, second = on_both_ranks((make_sums(FIRST), 2), (make_sums(SECOND), 6))
    assert (first.share.item(), second.share.item()) == pytest.approx((4.0, 8 / 6))


def test_a_loss_that_is_not_finite_on_one_rank_is_known_to_both(on_both_ranks):
    broken = [(NAN, 3.0, 2.0), *FIRST[1:]]
    for known in on_both_ranks((make_sums(broken), 2), (make_sums(SECOND), 6)):
        assert known.finite.tolist() == [False, True, True]
        assert known.losses[1].item() == pytest.approx(2.0)


def test_watched_numbers_are_means_of_the_ranks_that_have_them(on_both_ranks):
    ranks = [(make_sums(FIRST, gain=4.0), 2), (make_sums(SECOND, gain=2.0), 6)]
    for known in on_both_ranks(*ranks):
        assert known.watched[0]["gain"].item() == pytest.approx((3 * 4.0 + 5 * 2.0) / 8)
        assert known.watched[1:] == [{}, {}]
    absent = [(0.0, 0.0, NAN), *SECOND[1:]]
    for known in on_both_ranks((make_sums(FIRST, gain=4.0), 2), (make_sums(absent), 6)):
        assert known.watched[0]["gain"].item() == 4.0
    for known in on_both_ranks((make_sums(absent), 2), (make_sums(absent), 6)):
        assert known.watched[0]["gain"].isnan()


def test_the_parts_of_a_mini_batch_are_counted_apart_and_reported_together(on_both_ranks):
    parts = [*make_sums(FIRST), *make_sums(SECOND)]
    known = on_both_ranks((parts, 4))[0]
    assert known.present.tolist() == [[True, False, False], [True, True, False]]
    assert known.labels.tolist() == [[3.0, 0.0, 0.0], [5.0, 4.0, 0.0]]
    assert known.losses.tolist() == pytest.approx([1.0, 2.0, NAN], nan_ok=True)


def test_labels_of_which_nothing_is_known_to_be_right_do_not_count_as_wrong(on_both_ranks):
    unknown = [(3.0, 5.0, NAN), (1.0, 2.0, NAN), (0.0, 0.0, NAN)]
    for known in on_both_ranks((make_sums(FIRST), 2), (make_sums(unknown), 6)):
        assert known.losses.tolist() == pytest.approx([9 / 8, 0.5, NAN], nan_ok=True)
        assert known.accuracies.tolist() == pytest.approx([2 / 3, NAN, NAN], nan_ok=True)


def make_part(numbers, watched):
    return [
        LossSum(
            *map(torch.tensor, three),
            utterances=1,
            watched={k: torch.tensor(v) for k, v in own.items()},
        )
        for three, own in zip(numbers, watched, strict=True)
    ]


def test_two_objectives_in_three_parts_of_which_some_break_and_some_watch_nothing():
    """By hand: all numbers differ, and so do the numbers of parts, objectives and watchers."""
    parts = [
        make_part([(6.0, 3.0, 2.0), (5.0, 1.0, 0.0)], [{"gain": 4.0, "var": 1.0}, {"var": 8.0}]),
        make_part([(NAN, 1.0, 1.0), (1.0, 2.0, 1.0)], [{"gain": NAN, "var": 3.0}, {"var": 2.0}]),
        make_part([(2.0, 4.0, 1.0), (3.0, 3.0, 2.0)], [{"gain": 2.0, "var": 0.5}, {"var": NAN}]),
    ]
    known = global_counts.count_over_ranks(parts, 4, [("gain", "var"), ("var",)])
    assert known.finite.tolist() == [False, True], "one part of three is broken"
    assert known.labels.tolist() == [[3, 1], [1, 2], [4, 3]]
    assert known.losses[1].item() == pytest.approx(9 / 6)
    assert known.losses[0].isnan()
    assert known.accuracies.tolist() == pytest.approx([4 / 8, 3 / 6])
    first, second = known.watched
    assert first["gain"].item() == pytest.approx((3 * 4.0 + 4 * 2.0) / 7)
    assert first["var"].item() == pytest.approx((3 * 1.0 + 1 * 3.0 + 4 * 0.5) / 8)
    assert second["var"].item() == pytest.approx((1 * 8.0 + 2 * 2.0) / 3)
    assert known.share.item() == 1.0
