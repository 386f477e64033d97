"""Which levels move in a step: a combiner that counts its calls stands on each."""

from typing import ClassVar

import pytest
import torch

from espnet_soups.gradients.products import HalfProducts
from espnet_soups.gradients.signal import RunningSignal
from espnet_soups.levels.hierarchy import Hierarchy
from espnet_soups.soup.level_weights import Evidence, LevelWeigher, Weights
from espnet_soups.weighting.combiner import Combiner


class Counting(Combiner):
    """Combiner that moves half of the first weight to the last one and counts its calls."""

    measures = False

    def __init__(self, moves=True, complete=False):
        self.moves, self.complete = moves, complete

    def __call__(self, weights, shown, state):
        moved = weights.clone()
        moved[0], moved[-1] = weights[0] / 2, weights[-1] + weights[0] / 2
        return moved, {"calls": state.get("calls", torch.tensor(0)) + 1}


def propose(combiner, present=(1, 1, 1), values=(0.4, 0.2, 0.4), penalty=0.5, steps=1):
    """Weights of a level of one objective, and of one of three below it, after some steps."""
    weigher = LevelWeigher(Hierarchy([[3], [0, 1, 2]]), [Counting(), combiner])
    known = torch.tensor([*present, 1]).bool()
    evidence = Evidence(None, torch.zeros(4).double(), known, known, elapsed=1, epoch=1)
    start = torch.tensor([*values, 1.0], dtype=torch.float64)
    weights = Weights(start, ({}, {}), RunningSignal.unknown(2))
    penalties = torch.tensor([1.0, penalty], dtype=torch.float64)
    for _ in range(steps):
        weights = weigher.propose(weights, penalties, evidence)
    return weights


def test_a_level_moves_and_its_combiner_remembers():
    weights = propose(Counting(), steps=2)
    assert weights.values.tolist() == pytest.approx([0.1, 0.2, 0.7, 1.0])
    assert weights.states[1]["calls"] == 2
    assert weights.states[0] == {}, "a level of one objective has nothing to weigh"


def test_objectives_that_are_absent_keep_their_weight():
    weights = propose(Counting(), present=(1, 0, 1))
    assert weights.values.tolist() == pytest.approx([0.2, 0.2, 0.6, 1.0])


@pytest.mark.parametrize(
    "options",
    [
        {"combiner": Counting(moves=False)},
        {"combiner": Counting(), "present": (0, 1, 0)},
        {"combiner": Counting(), "present": (1, 1, 0), "values": (0.0, 0.0, 1.0)},
        {"combiner": Counting(), "penalty": 0.0},
        {"combiner": Counting(complete=True), "present": (1, 1, 0)},
    ],
)
def test_a_level_rests_and_its_combiner_is_not_even_asked(options):
    weights = propose(**options)
    assert weights.values[:3].tolist() == pytest.approx(options.get("values", (0.4, 0.2, 0.4)))
    assert weights.states[1] == {}


def test_the_scale_of_a_level_is_the_mean_of_its_objectives_not_their_sum():
    """Two objectives with the gradients (3, 0) and (0, 1) in both halves, on one level."""
    gram = torch.tensor([[9.0, 0.0], [0.0, 1.0]], dtype=torch.float64)
    known = torch.tensor([True, True])
    evidence = Evidence(HalfProducts(gram, gram, gram), torch.zeros(2).double(), known, known, 1, 1)
    weigher = LevelWeigher(Hierarchy([[0, 1]]), [Measuring()])
    after = weigher.propose(weigher.initial(), torch.ones(1, dtype=torch.float64), evidence)
    assert after.scale.mean_square().tolist() == [(9 + 1) / 2]
    assert Measuring.seen[-1].tolist() == [[9 / 5, 0.0], [0.0, 1 / 5]]


class Hearing(Counting):
    """Keeps the losses that it is shown."""

    needs_losses = True
    seen: ClassVar[list] = []

    def __call__(self, weights, shown, state):
        self.seen.append(shown.losses.tolist())
        return super().__call__(weights, shown, state)


def hear(complete, present):
    """The losses of two objectives that the top level is shown, above a level of two others."""
    Hearing.seen.clear()
    weigher = LevelWeigher(Hierarchy([[0, 1], [2, 3]]), [Hearing(complete=complete), Counting()])
    known = torch.tensor(present).bool()
    losses = torch.tensor([1.0, 2.0, 4.0, 8.0], dtype=torch.float64) * known
    evidence = Evidence(None, losses, known, known, elapsed=1, epoch=1)
    start = torch.tensor([0.5, 0.5, 0.25, 0.75], dtype=torch.float64)
    weights = Weights(start, ({}, {}), RunningSignal.unknown(2))
    weigher.propose(weights, torch.tensor([1.0, 0.5], dtype=torch.float64), evidence)
    return Hearing.seen


@pytest.mark.parametrize("complete", [True, False])
def test_a_combiner_of_losses_hears_those_of_the_levels_below(complete):
    # F_k = l_k + 0.5 (0.25 * 4 + 0.75 * 8), divided by 1.5
    assert hear(complete, [1, 1, 1, 1]) == [[pytest.approx(4.5 / 1.5), pytest.approx(5.5 / 1.5)]]


def test_an_objective_below_without_a_label_does_not_count_as_a_loss_of_0():
    assert hear(True, [1, 1, 1, 0]) == []  # it rests
    found = hear(False, [1, 1, 1, 0])  # l_k + 0.5 * 0.25 * 4, divided by 1.125
    assert found == [[pytest.approx(1.5 / 1.125), pytest.approx(2.5 / 1.125)]]


class Measuring(Counting):
    """Keeps the Gram matrices that it is shown."""

    measures = True
    seen: ClassVar[list] = []

    def __call__(self, weights, shown, state):
        self.seen.append(shown.gram)
        return super().__call__(weights, shown, state)
