"""Heads that are computed together: losses and gradients of each alone, which are the reference."""

import copy

import pytest
import torch
from espnet2.asr.ctc import CTC
from espnet2.asr.decoder.transformer_decoder import TransformerDecoder

from espnet_soups.objectives.heads.decoder_stack import stack_key
from espnet_soups.objectives.heads.head import HeadInput
from espnet_soups.objectives.heads.text_head import TextHead

SIZE = 8
TOKENS = ["<blank>", "<unk>", *"abcdefg", "<sos/eos>"]
CLOSE = {"rtol": 1e-10, "atol": 1e-10}  # float64
BY_CTC = {"rtol": 1e-5, "atol": 1e-6}  # ESPnet computes CTC in float32


def make_decoder(tokens=TOKENS, **options):
    rates = ("dropout_rate", "positional_dropout_rate")
    conf = {"attention_heads": 2, "linear_units": 12, "num_blocks": 2, **dict.fromkeys(rates, 0.0)}
    return TransformerDecoder(len(tokens), SIZE, **{**conf, **options})


def make_head(ctc_weight, tokens=TOKENS, seed=0, **options):
    torch.manual_seed(seed)
    ctc = CTC(odim=len(tokens), encoder_output_size=SIZE) if ctc_weight else None
    decoder = make_decoder(tokens, **options) if ctc_weight < 1.0 else None
    return TextHead(tokens, ctc, decoder, ctc_weight, lsm_weight=0.1).double()


def make_input(utterances, frames, tokens, seed):
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.randint(1, tokens + 1, (utterances,), generator=generator)
    lengths[0] = tokens
    labels = torch.randint(2, 9, (utterances, tokens + 2), generator=generator)
    labels[torch.arange(tokens + 2) >= lengths.unsqueeze(1)] = -1
    states = torch.randn(utterances, frames, SIZE, dtype=torch.float64, generator=generator)
    return HeadInput(
        states.requires_grad_(),
        torch.randint(2 * tokens + 1, frames + 1, (utterances,), generator=generator),
        labels,
        lengths,
    )


INPUTS = [make_input(3, 14, 4, 1), make_input(2, 12, 5, 2), make_input(3, 13, 3, 3)]


@pytest.mark.parametrize("ctc_weight", [0.0, 0.3, 1.0])
def test_each_head_has_the_loss_and_the_gradients_that_it_has_alone(ctc_weight):
    # vocabularies may differ where there is CTC alone
    lists = [TOKENS, TOKENS[:2] + TOKENS[3:], TOKENS] if ctc_weight == 1.0 else [TOKENS] * 3
    heads = [make_head(ctc_weight, tokens, seed) for seed, tokens in enumerate(lists)]
    assert len({head.group_key() for head in heads}) == 1
    inputs = [one._replace(labels=one.labels.clamp(max=8)) for one in INPUTS]
    close = BY_CTC if ctc_weight else CLOSE
    alone = [head(*one) for head, one in zip(heads, inputs, strict=True)]
    together = heads[0].losses_together(heads, inputs)
    for number, (head, one) in enumerate(zip(heads, inputs, strict=True)):
        targets = [one.encoded, *head.parameters()]
        wanted = torch.autograd.grad(alone[number].total, targets)
        found = torch.autograd.grad(together[number].total, targets, retain_graph=True)
        for own, reference in zip(found, wanted, strict=True):
            torch.testing.assert_close(own, reference, **close)
        for name in ("total", "count", "correct"):
            pair = (getattr(of[number], name) for of in (together, alone))
            torch.testing.assert_close(*pair, equal_nan=True, **close)
        assert together[number].utterances == alone[number].utterances == one.labels.size(0)


@pytest.mark.parametrize(
    "place", ["embed.1.dropout", "decoders.0.dropout", "decoders.1.feed_forward.dropout"]
)
def test_dropout_acts_where_it_does_in_each_head_alone(place):
    heads = [make_head(0.0, seed=seed) for seed in range(3)]
    kept = [loss.total for loss in heads[0].losses_together(heads, INPUTS)]
    for head in heads:
        head.decoder.get_submodule(place).p = 1.0  # drops all, hence nothing random
    alone = [head(*one).total for head, one in zip(heads, INPUTS, strict=True)]
    together = [loss.total for loss in heads[0].losses_together(heads, INPUTS)]
    torch.testing.assert_close(together, alone, **CLOSE)
    assert all(one != other for one, other in zip(kept, together, strict=True))


def test_a_gradient_of_one_head_does_not_reach_another():
    heads = [make_head(0.3, seed=seed) for seed in range(3)]
    together = heads[0].losses_together(heads, INPUTS)
    others = [INPUTS[1].encoded, INPUTS[2].encoded, *heads[1].parameters()]
    found = torch.autograd.grad(together[0].total, others, allow_unused=True)
    assert all(gradient is None or not gradient.any() for gradient in found)


def test_labels_that_ctc_cannot_align_are_left_to_each_head():
    heads = [make_head(1.0, seed=seed) for seed in range(2)]
    short = INPUTS[0]._replace(frame_lengths=torch.tensor([14, 1, 14]))
    assert heads[0].losses_together(heads, [short, INPUTS[1]]) is None


def test_decoders_with_very_different_numbers_of_utterances_are_not_stacked():
    heads = [make_head(0.0, seed=seed) for seed in range(2)]
    assert heads[0].losses_together(heads, [make_input(1, 9, 2, 0), make_input(9, 9, 2, 0)]) is None


@pytest.mark.parametrize(
    "options",
    [
        {"normalize_before": False},
        {"concat_after": True},
        {"input_layer": "linear"},
        {"use_output_layer": False},
        {"qk_norm": True},
        {"gradient_checkpoint_layers": [1]},
    ],
)
def test_unusual_decoders_are_not_stacked(options):
    assert stack_key(make_decoder()) is not None
    assert stack_key(make_decoder(**options)) is None


@pytest.mark.parametrize(
    "options", [{"dropout_rate": 0.1}, {"attention_heads": 4}, {"num_blocks": 1}]
)
def test_decoders_of_another_shape_have_another_key(options):
    assert stack_key(make_decoder(**options)) != stack_key(make_decoder())


def test_heads_in_evaluation_are_computed_alone():
    head = copy.deepcopy(make_head(1.0))
    assert head.group_key() is not None
    assert head.eval().group_key() is None


def test_a_head_of_a_users_own_class_is_computed_alone():
    class Own(TextHead):
        pass

    head = make_head(1.0)
    head.__class__ = Own
    assert head.group_key() is None
