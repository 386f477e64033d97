"""A decoder that keeps its keys and values scores as ESPnet's own does."""

import pytest
import torch
from espnet2.asr.decoder.rnn_decoder import RNNDecoder
from espnet2.asr.decoder.transformer_decoder import TransformerDecoder
from espnet2.legacy.nets.batch_beam_search import BatchBeamSearch
from espnet2.legacy.nets.scorers.ctc import CTCPrefixScorer
from espnet2.legacy.nets.scorers.length_bonus import LengthBonus

from espnet_soups.objectives.decoding.bounded_search import BoundedBeamSearch
from espnet_soups.objectives.decoding.cached_decoder import CachedDecoder, can_cache
from espnet_soups.objectives.decoding.prefix_scorer import PrefixScorer

VOCABULARY, SIZE, BEAM = 9, 8, 3


def make_decoder(**options):
    torch.manual_seed(3)
    sizes = {"attention_heads": 2, "linear_units": 16, "num_blocks": 2}
    decoder = TransformerDecoder(VOCABULARY, SIZE, **sizes, **options)
    for parameter in decoder.parameters():  # sharp distributions, so that searches differ
        torch.nn.init.normal_(parameter, std=0.7)
    return decoder.eval()


def speech(utterances=4):
    generator = torch.Generator().manual_seed(1)
    lengths = torch.tensor([14, 12, 9, 5])[:utterances]
    return torch.randn(utterances, 14, SIZE, generator=generator), lengths


def search(kind, decoder, penalty=0.0, ctc=None, ctc_weight=0.0, **options):
    made = kind(
        scorers={"decoder": decoder, "ctc": ctc, "length_bonus": LengthBonus(VOCABULARY)},
        weights={"decoder": 1.0 - ctc_weight, "ctc": ctc_weight, "length_bonus": penalty},
        pre_beam_score_key="full",
        beam_size=BEAM,
        vocab_size=VOCABULARY,
        sos=VOCABULARY - 1,
        eos=VOCABULARY - 1,
        **options,
    )
    return made.eval()


@torch.no_grad()
def test_scores_equal_those_of_espnet_after_hypotheses_were_reordered():
    decoder, (encoded, lengths) = make_decoder(), speech()
    count = len(encoded) * BEAM
    xs = encoded.repeat_interleave(BEAM, dim=0)
    mask = (torch.arange(encoded.size(1)) < lengths.repeat_interleave(BEAM)[:, None])[:, None]
    cached = CachedDecoder(decoder, VOCABULARY)
    own, theirs = [cached.batch_init_state(encoded)] * count, [None] * count
    ys = torch.full((count, 1), VOCABULARY - 1)
    generator = torch.Generator().manual_seed(2)
    for _ in range(5):
        scores, own = cached.batch_score(ys, own, xs, xs_mask=mask)
        expected, theirs = decoder.batch_score(ys, theirs, xs, xs_mask=mask)
        torch.testing.assert_close(scores, expected, atol=1e-5, rtol=1e-5)
        taken = torch.randint(BEAM, (len(encoded), BEAM), generator=generator)
        token = torch.randint(VOCABULARY, taken.shape, generator=generator)
        own = cached.batch_select_state(own, taken * VOCABULARY + token)
        rows = (taken + torch.arange(len(encoded))[:, None] * BEAM).view(-1)
        theirs = [theirs[row] for row in rows.tolist()]
        ys = torch.cat([ys[rows], token.view(-1, 1)], dim=1)


@pytest.mark.parametrize("nbest", [1, 2])
@pytest.mark.parametrize("ratio", [0.0, 0.7, -6.0])
@pytest.mark.parametrize("utterances", [1, 4])
@torch.no_grad()
def test_a_search_finds_what_espnet_finds(utterances, ratio, nbest):
    decoder, (encoded, lengths) = make_decoder(), speech(utterances)
    given = {"x": encoded, "x_lengths": lengths, "maxlenratio": ratio}
    expected = search(BatchBeamSearch, decoder)(**given)
    found = search(BoundedBeamSearch, CachedDecoder(decoder, VOCABULARY), nbest=nbest)(**given)
    assert [[h.yseq.tolist() for h in own[:nbest]] for own in found] == [
        [h.yseq.tolist() for h in own[:nbest]] for own in expected
    ]
    for own, other in zip(found, expected, strict=True):
        scores = [float(h.score) for h in other[:nbest]]
        assert [float(h.score) for h in own[:nbest]] == pytest.approx(scores, abs=1e-4)


def test_only_the_usual_transformer_decoder_is_cached():
    assert can_cache(make_decoder())
    assert not can_cache(make_decoder(normalize_before=False))
    assert not can_cache(make_decoder(input_layer="linear"))
    assert not can_cache(RNNDecoder(VOCABULARY, SIZE))
    assert not can_cache(None)


@pytest.mark.parametrize("penalty", [0.0, 0.5])
@pytest.mark.parametrize("margin", [0, 3])
@torch.no_grad()
def test_utterances_that_are_done_leave_a_search_over_attention_and_ctc(margin, penalty):
    class Projection(torch.nn.Linear):
        def log_softmax(self, hs_pad):
            return self(hs_pad).log_softmax(dim=-1)

    decoder, (encoded, lengths) = make_decoder(), speech()
    projection = Projection(SIZE, VOCABULARY)
    torch.nn.init.normal_(projection.weight, std=0.7)
    given = {"x": encoded, "x_lengths": lengths, "maxlenratio": 1.0}
    options = {"ctc_weight": 0.4, "penalty": penalty}
    theirs = CTCPrefixScorer(projection, VOCABULARY - 1, margin)
    expected = search(BatchBeamSearch, decoder, ctc=theirs, **options)(**given)
    kinds = PrefixScorer(projection, VOCABULARY - 1, margin), CachedDecoder(decoder, VOCABULARY)
    left = search(BoundedBeamSearch, kinds[1], ctc=kinds[0], nbest=1, **options)
    found = left(**given)
    assert 1 < len(left.running) < len(encoded)
    for own, other in zip(found, expected, strict=True):
        assert own[0].yseq.tolist() == other[0].yseq.tolist()
        assert float(own[0].score) == pytest.approx(float(other[0].score), abs=1e-4)
