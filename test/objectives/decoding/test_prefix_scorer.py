"""Prefixes get the scores that ESPnet's own CTC scorer gives them, step after step."""

import pytest
import torch
from espnet2.legacy.nets.scorers.ctc import CTCPrefixScorer

from espnet_soups.objectives.decoding.prefix_scorer import PrefixScorer

TOKENS, BEAM, END = 7, 3, 6


class FrameTable:
    """CTC layer whose logits are the "encoded speech" itself."""

    def log_softmax(self, hs_pad):
        return hs_pad.log_softmax(dim=-1)


@pytest.mark.parametrize("margin", [0, 4])
@pytest.mark.parametrize("chosen", [None, 4])
@pytest.mark.parametrize("utterances", [1, 3])
def test_scores_and_states_are_those_of_espnet(utterances, chosen, margin):
    generator = torch.Generator().manual_seed(utterances)
    logits = 2.0 * torch.randn(utterances, 30, TOKENS, generator=generator)
    logits[..., 0] += 2.0  # mostly silence, as CTC is
    lengths = torch.tensor([30, 21, 9])[:utterances]
    scorers = [PrefixScorer(FrameTable(), END, margin), CTCPrefixScorer(FrameTable(), END, margin)]
    count = utterances * BEAM
    states = []
    for scorer in scorers:
        scorer.batch_init_state(logits.clone(), xs_lengths=lengths)
        states.append([None] * count)
    ys = torch.full((count, 1), END)
    for step in range(12):
        ids = torch.stack([torch.randperm(TOKENS, generator=generator) for _ in range(count)])
        ids = None if chosen is None else ids[:, :chosen]
        if ids is not None and step % 2:
            ids[:, 0] = ys[:, -1]  # so that a token is repeated
            ids[:, 1:] = (ys[:, -1:] + torch.arange(1, chosen)) % TOKENS
        found = [
            scorer.batch_score_partial(ys, ids, state, None)
            for scorer, state in zip(scorers, states, strict=True)
        ]
        (own, _), (expected, _) = found
        possible = expected > -1e4  # the rest is no number, but the stand-in for log 0
        assert torch.equal(possible, own > -1e4)
        torch.testing.assert_close(own[possible], expected[possible], atol=1e-4, rtol=1e-5)
        taken = torch.randint(BEAM, (utterances, BEAM), generator=generator)
        rows = (taken + BEAM * torch.arange(utterances)[:, None]).view(-1)
        token = expected[rows, 1:END].argmax(dim=1) + 1
        best = taken * TOKENS + token.view(utterances, BEAM)
        states = [
            scorer.batch_select_state(state, best)
            for scorer, (_, state) in zip(scorers, found, strict=True)
        ]
        ys = torch.cat([ys[rows], token[:, None]], dim=1)
    assert len(set(ys[0].tolist())) > 2


def test_one_utterance_starts_from_a_single_hypothesis():
    logits = torch.randn(1, 12, TOKENS, generator=torch.Generator().manual_seed(0))
    found = []
    for scorer in (PrefixScorer(FrameTable(), END), CTCPrefixScorer(FrameTable(), END)):
        scorer.batch_init_state(logits.clone())
        ys = torch.tensor([[END]])
        _, state = scorer.batch_score_partial(ys, None, [None], None)
        kept = [scorer.select_state(state, 0, token) for token in (2, 4)]
        ys = torch.tensor([[END, 2], [END, 4]])
        found.append(scorer.batch_score_partial(ys, None, kept, None)[0])
    torch.testing.assert_close(found[0][:, 1:], found[1][:, 1:], atol=1e-4, rtol=1e-5)
