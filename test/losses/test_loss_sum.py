"""Losses of groups of utterances are added up."""

import pytest
import torch

from espnet_soups.losses.loss_sum import LossSum, absent_sum, add_sums, zero_touch


def make(total, count, correct, watched):
    values = (torch.tensor(value) for value in (total, count, correct))
    return LossSum(*values, utterances=2, unalignable=1, watched={"gain": torch.tensor(watched)})


def test_sums_add_up_and_watched_numbers_are_means_by_labels():
    both = add_sums([make(6.0, 3.0, 2.0, 1.0), make(2.0, 1.0, 1.0, 5.0)])
    assert (float(both.total), float(both.count), float(both.correct)) == (8.0, 4.0, 3.0)
    assert (both.utterances, both.unalignable) == (4, 2)
    assert float(both.watched["gain"]) == pytest.approx(2.0)


def test_a_group_of_which_nothing_could_be_used_spoils_no_number():
    parameter = torch.nn.Parameter(torch.ones(()))
    nothing = absent_sum([parameter], torch.zeros(1), 3, 3, ["gain"])
    both = add_sums([nothing, make(6.0, 3.0, 2.0, 1.0)])
    assert float(both.correct) == 2.0
    assert float(both.watched["gain"]) == 1.0
    assert (both.utterances, both.unalignable) == (5, 4)
    none = add_sums([nothing, nothing])
    assert float(none.count) == 0.0
    none.total.backward()
    assert float(parameter.grad) == 0.0


def test_a_group_of_one_label_counts_and_a_single_group_is_itself():
    one, other = make(6.0, 1.0, 0.0, 1.0), make(2.0, 1.0, 1.0, 5.0)
    assert float(add_sums([one, other]).total) == 8.0
    assert add_sums([one]) is one


def test_a_touch_reaches_what_is_trained_and_nothing_else():
    trained = torch.nn.Parameter(torch.full((3,), 1e30))
    frozen = torch.nn.Parameter(torch.ones(2), requires_grad=False)
    empty = torch.nn.Parameter(torch.ones(0))
    total = zero_touch([trained, frozen, empty], torch.zeros(1))
    assert float(total.detach()) == 0.0
    total.backward()
    assert trained.grad.tolist() == [0.0] * 3
    assert empty.grad.shape == (0,)
    with torch.no_grad():
        assert not zero_touch([trained], torch.zeros(1)).requires_grad
