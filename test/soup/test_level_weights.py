"""Which levels move in a step: a combiner that counts its calls stands on each."""

import pytest
import torch

from espnet_soups.gradients.signal import RunningSignal
from espnet_soups.levels.hierarchy import Hierarchy
from espnet_soups.soup.level_weights import Evidence, LevelWeigher, Weights
from espnet_soups.weighting.combiner import Combiner


class Counting(Combiner):
    """Takes half of the first weight and adds it to the last one; remembers how often."""

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
