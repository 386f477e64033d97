"""An encoder in two parts gives a measured step the numbers of encoding language by language."""

import pytest
import torch

from espnet_soups.network.two_parts import in_two_parts
from espnet_soups.testing.toy_model import ENCODER_CONF, make_toy_batch, make_toy_model

SOUP = {"soup": "vm", "order": "SA", "combiner_conf": {"gamma": 0.3}}
PLAIN = {
    name: ENCODER_CONF[name]
    for name in ("output_size", "attention_heads", "num_blocks", "linear_units", "input_layer")
}
PLAIN |= {"dropout_rate": 0.0, "positional_dropout_rate": 0.0, "attention_dropout_rate": 0.0}
LATEST = {"rel_pos_type": "latest"}
ENCODERS = {
    "rel_pos": ("e_branchformer", {**ENCODER_CONF, "rel_pos_type": "latest"}),
    "abs_pos": (
        "e_branchformer",
        {**ENCODER_CONF, "pos_enc_layer_type": "abs_pos", "attention_layer_type": "selfattn"},
    ),
    "conformer": ("conformer", {**PLAIN, "use_cnn_module": False, "rel_pos_type": "latest"}),
    "transformer": ("transformer", PLAIN),
    "subsampling": ("e_branchformer", {**ENCODER_CONF, "input_layer": "conv2d2"}),
}


def step(encoding, name, frames=14, **conf):
    """Make a measured step; return the model, its loss, and how often its lowest layer ran."""
    kind, encoder_conf = ENCODERS[name]
    model = make_toy_model(
        *("msp", SOUP | {"layers": ["encoder.encoders.1"]} | conf),
        **{"encoding": encoding, "encoder": kind, "encoder_conf": encoder_conf},
    ).train()
    passes = []
    model.encoder.encoders[0].register_forward_hook(lambda *_: passes.append(1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    model.soup.bind(model, optimizer)
    model.soup.open_epoch(1, 2, 1, 10)
    loss = model(**make_toy_batch(frames=frames))[0]
    loss.backward()
    optimizer.step()
    return model, loss.detach(), len(passes)


def assert_same_step(one, other):
    torch.testing.assert_close(one[1], other[1])
    torch.testing.assert_close(one[0].soup.weights.values, other[0].soup.weights.values)
    theirs = dict(other[0].named_parameters())
    for name, parameter in one[0].named_parameters():
        torch.testing.assert_close(parameter, theirs[name], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("name", ENCODERS)
def test_a_measured_step_is_that_of_encoding_by_language(name):
    frames = 24 if name == "subsampling" else 14
    ours, theirs = step("auto", name, frames), step("per_language", name, frames)
    assert ours[2] <= 2  # short and long utterances, of all languages and both halves
    assert theirs[2] == 6  # two halves, three languages
    assert_same_step(ours, theirs)


@pytest.mark.parametrize("conf", [{"acts_on": "measured"}, {"mode": "exact"}])
def test_steps_that_measure_beside_them_are_the_same_too(conf):
    assert_same_step(step("auto", "rel_pos", **conf), step("per_language", "rel_pos", **conf))


def test_rows_from_the_lowest_layer_on_or_below_leave_it_to_languages():
    for layers in (["encoder.encoders.0"], "all", ["encoder.encoders.1", "encoder.embed"]):
        assert step("auto", "rel_pos", layers=layers)[2] == 6


@pytest.mark.parametrize(
    ("kind", "conf"),
    [
        ("e_branchformer", {"rel_pos_type": "legacy"}),
        ("e_branchformer", {"layer_drop_rate": 0.1}),
        ("e_branchformer", {"interctc_layer_idx": [1]}),
        ("e_branchformer", {"gradient_checkpoint_layers": [1]}),
        ("conformer", LATEST),  # BatchNorm
        ("conformer", LATEST | {"use_cnn_module": False, "stochastic_depth_rate": 0.1}),
    ],
)
def test_encoders_that_cannot_be_run_so_are_left_whole(kind, conf):
    base = ENCODER_CONF if kind == "e_branchformer" else PLAIN
    encoder = make_toy_model(encoder=kind, encoder_conf={**base, **conf}).encoder
    assert in_two_parts(encoder, encoder.encoders[1]) is None
    assert in_two_parts(encoder, None) is None
