"""A search over a shared head: its prefix is forced, and it sees own tokens alone."""

import pytest
import torch

from espnet_soups.objectives.decoding.beam_decoder import BeamDecoder
from espnet_soups.objectives.decoding.ctc_greedy import GreedyDecoder
from espnet_soups.objectives.decoding.head_scorers import ctc_of, decoder_of
from espnet_soups.objectives.decoding.text_search import SearchPlan, TextSearch
from espnet_soups.testing.toy_model import DECODER_CONF, TOKENS, make_toy_model

FEW = ["<blank>", "<unk>", "a", "b", "<sos/eos>"]  # Spanish knows no other letter
RNN = {"num_layers": 1, "hidden_size": 8}


def shared_model(decoder="transformer", **options):
    conf = DECODER_CONF if decoder == "transformer" else RNN
    lists = {"en": list(TOKENS), "fr": list(TOKENS), "es": FEW}
    model = make_toy_model(
        text_heads="shared",
        text_decoder=decoder,
        text_decoder_conf=dict(conf),
        asr_token_list=lists,
        seed=3,
        **options,
    )
    return model.float().eval()


def encoded():
    torch.manual_seed(1)
    return torch.randn(3, 12, 8), torch.tensor([12, 10, 7])


def best_by_hand(view, own, states):
    """Follow the most probable own token; the decoder reads the whole prefix anew each time."""
    index = {token: position for position, token in enumerate(view.head.token_list)}
    rows, found, score = [index[token] for token in own], [], 0.0
    while len(found) < 4:
        prefix = torch.tensor([[*view.prefix, *(rows[token] for token in found)]])
        lengths = torch.tensor([states.size(1)]), torch.tensor([prefix.size(1)])
        logits, _ = view.head.decoder(states, lengths[0], prefix, lengths[1])
        scores = logits[0, -1].log_softmax(dim=-1)[rows].log_softmax(dim=-1)
        score += float(scores.max())
        if int(scores.argmax()) == len(own) - 1:
            break
        found.append(int(scores.argmax()))
    return [token for token in found if token != 0], score


@pytest.mark.parametrize("name", ["asr_fr", "asr_es", "st_fr_en", "st_es_en"])
@pytest.mark.parametrize("decoder", ["transformer", "rnn"])
@torch.no_grad()
def test_a_beam_of_one_follows_the_most_probable_own_token_after_the_prefix(decoder, name):
    view = (model := shared_model(decoder)).heads[name]
    own = FEW if name == "asr_es" else list(TOKENS)
    search = TextSearch(beam_size=1, maxlenratio=-4.0)
    found = BeamDecoder(None, decoder_of(view), SearchPlan(0.0), own, search)(*encoded())
    for (best, *_), states, length in zip(found, *encoded(), strict=True):
        tokens, score = best_by_hand(view, own, states[None, :length])
        assert best[0] == tokens
        if len(tokens) < 4:  # else ESPnet adds the end that it never saw
            assert best[1] == pytest.approx(score, abs=1e-4)
    assert model.heads[name].prefix != model.heads["asr_en"].prefix


@pytest.mark.parametrize("plan", [SearchPlan(0.0), SearchPlan(0.4), SearchPlan(1.0)])
@torch.no_grad()
def test_hypotheses_hold_tokens_of_the_objective_alone(plan):
    view = shared_model(text_ctc="all").heads["asr_es"]
    search = TextSearch(beam_size=4, maxlenratio=-5.0, minlenratio=-2.0)
    decode = BeamDecoder(ctc_of(view), decoder_of(view), plan, FEW, search, nbest=4)
    hypotheses = [found for nbest in decode(*encoded()) for found, _ in nbest]
    assert any(hypotheses)
    assert {token for found in hypotheses for token in found} <= {1, 2, 3}


@torch.no_grad()
def test_ctc_alone_counts_all_tokens_of_the_prefix_as_blank():
    model = make_toy_model(text_heads="shared", text_ctc_weight=1.0, text_ctc="all").float().eval()
    view = model.heads["st_fr_en"]
    states, lengths = encoded()
    joint = view.head.ctc.log_softmax(states).exp()
    own = joint[..., view.to_joint]
    own[..., 0] += joint[..., list(view.prefix)].sum(dim=-1)
    expected = (own / own.sum(dim=-1, keepdim=True)).log()
    torch.testing.assert_close(ctc_of(view).log_softmax(states), expected)
    assert GreedyDecoder(ctc_of(view), len(TOKENS) - 1)(states, lengths)


def test_what_learns_without_ctc_is_decoded_without_it():
    model = shared_model()
    assert ctc_of(model.heads["st_fr_en"]) is None
    assert ctc_of(model.heads["asr_fr"]) is not None
