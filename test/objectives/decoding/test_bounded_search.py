"""A search ends when its best hypotheses are certain, and not before."""

import pytest
import torch
from espnet2.legacy.nets.batch_beam_search import BatchBeamSearch
from espnet2.legacy.nets.scorer_interface import BatchScorerInterface
from espnet2.legacy.nets.scorers.length_bonus import LengthBonus

from espnet_soups.objectives.decoding.bounded_search import BoundedBeamSearch

VOCABULARY, BEAM = 6, 3


class Table(BatchScorerInterface):
    """Scores the next token by how many there are, for each utterance alike, and counts steps."""

    def __init__(self, seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        logits = 2.0 * torch.randn(40, VOCABULARY, VOCABULARY, generator=generator)
        self.scores = logits.log_softmax(dim=-1)
        self.steps = 0

    def batch_score(self, ys, states, xs):
        self.steps += 1
        return self.scores[ys.size(1), ys[:, -1]] + 0.0 * xs[:, 0, :1], states


def run(kind, table, penalty, frames, utterances, ratio=0.0, **options):
    search = kind(
        scorers={"table": table, "length_bonus": LengthBonus(VOCABULARY)},
        weights={"table": 1.0, "length_bonus": penalty},
        beam_size=BEAM,
        vocab_size=VOCABULARY,
        sos=VOCABULARY - 1,
        eos=VOCABULARY - 1,
        **options,
    ).eval()
    lengths = torch.arange(frames, frames - utterances, -1)
    return search(x=torch.zeros(utterances, frames, 2), x_lengths=lengths, maxlenratio=ratio)


@pytest.mark.parametrize("utterances", [1, 3])
@pytest.mark.parametrize("penalty", [-0.5, 0.0, 0.4, 3.0])
@pytest.mark.parametrize("seed", range(6))
def test_the_n_best_are_those_of_a_search_to_the_largest_length(seed, penalty, utterances):
    whole = run(BatchBeamSearch, Table(seed), penalty, 20, utterances, 1.0)
    for nbest in (1, 3):
        found = run(BoundedBeamSearch, Table(seed), penalty, 20, utterances, 1.0, nbest=nbest)
        for own, other in zip(found, whole, strict=True):
            assert [h.yseq.tolist() for h in own[:nbest]] == [
                h.yseq.tolist() for h in other[:nbest]
            ]
            scores = [float(h.score) for h in other[:nbest]]
            assert [float(h.score) for h in own[:nbest]] == pytest.approx(scores, abs=1e-5)


def test_it_takes_fewer_steps_the_fewer_hypotheses_are_wanted():
    steps = []
    for nbest in (1, 8):
        table = Table(0)
        run(BoundedBeamSearch, table, 0.0, 30, 3, 1.0, nbest=nbest)
        steps.append(table.steps)
    whole = Table(0)
    run(BatchBeamSearch, whole, 0.0, 30, 3, 1.0)
    assert steps[0] < steps[1] <= whole.steps == 30


def test_with_a_bonus_that_outweighs_every_token_it_goes_to_the_largest_length():
    table = Table(0)
    run(BoundedBeamSearch, table, 20.0, 12, 2, 1.0, nbest=1)
    assert table.steps == 12
