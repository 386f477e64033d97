import pytest
import torch

from espnet_soups.gradients.layers import (
    find_layers,
    group_columns,
    layer_parameters,
    select_parameters,
    shared_parameters,
)


@pytest.fixture
def model():
    layers = torch.nn.ModuleList([torch.nn.Linear(1, 1) for _ in range(11)])
    encoder = torch.nn.ModuleDict({"encoders": layers, "norm": torch.nn.LayerNorm(1)})
    return torch.nn.ModuleDict({"encoder": encoder, "encoder2": torch.nn.Linear(1, 1)})


def names(model, layers):
    chosen = {id(parameter) for parameter in select_parameters(model, ["encoder"], layers)}
    return [name for name, parameter in model.named_parameters() if id(parameter) in chosen]


def test_all_takes_every_shared_parameter_and_no_other(model):
    assert len(names(model, "all")) == 24
    assert not any(name.startswith("encoder2") for name in names(model, "all"))


def test_a_name_means_that_layer_and_not_one_that_begins_alike(model):
    assert names(model, ["encoder.encoders.1"]) == [
        "encoder.encoders.1.weight",
        "encoder.encoders.1.bias",
    ]


def test_globs_and_overlapping_names_take_each_parameter_once(model):
    assert len(names(model, ["encoder.encoders.[89]", "encoder.encoders.9"])) == 4


def test_frozen_parameters_are_not_measured(model):
    model["encoder"]["norm"].weight.requires_grad = False
    assert len(names(model, "all")) == 23


def test_a_name_without_a_trainable_parameter_lists_the_modules(model):
    with pytest.raises(ValueError, match=r"'encoder.encoders.11'.*'encoder.encoders.10'"):
        select_parameters(model, ["encoder"], ["encoder.encoders.11"])


def test_other_words_and_frozen_encoders_are_refused(model):
    with pytest.raises(ValueError, match=r"`adapters` or a list.*'conflict'"):
        select_parameters(model, ["encoder"], "conflict")
    model.requires_grad_(False)
    with pytest.raises(ValueError, match="No shared parameter is trainable"):
        select_parameters(model, ["encoder"], "all")


@pytest.fixture
def with_decoder(model):
    """A model whose objectives share a decoder with two kinds of blocks, too."""
    blocks = torch.nn.ModuleList([torch.nn.Linear(1, 1) for _ in range(2)])
    small = torch.nn.ModuleList([torch.nn.Linear(1, 1)])
    decoder = torch.nn.ModuleDict({"decoders": blocks, "embed": small})
    text = torch.nn.ModuleDict({"decoder": decoder, "ctc": torch.nn.Linear(1, 1)})
    model["shared_heads"] = torch.nn.ModuleDict({"text": text})
    return shared_parameters(model, ["encoder", "shared_heads.text"])


def test_layers_are_those_of_the_encoder_unless_other_stacks_are_named(with_decoder):
    encoder = [f"encoder.encoders.{number}" for number in range(11)]
    decoder = [f"shared_heads.text.decoder.decoders.{number}" for number in range(2)]
    assert [layer.name for layer in find_layers(with_decoder)] == encoder
    both = find_layers(with_decoder, ["shared_heads.text", "encoder"])
    assert [layer.name for layer in both] == encoder + decoder
    assert [layer.name for layer in find_layers(with_decoder, ["shared_heads.text"])] == decoder


def test_columns_of_a_decoder_s_layer_are_those_of_its_parameters(with_decoder):
    names = list(with_decoder)
    for layer in find_layers(with_decoder, ["encoder", "shared_heads.text"]):
        own = [names[position] for position in layer.parameters]
        assert own == [f"{layer.name}.weight", f"{layer.name}.bias"]
        assert [layer.start, layer.stop] == [layer.parameters[0], layer.parameters[-1] + 1]


@pytest.mark.parametrize(
    ("stacks", "said"),
    [
        (["encoder", "shared_heads.st"], r"'shared_heads.st'.*'shared_heads.text.decoder.decoders"),
        (["encoder", "shared_heads.text.ctc"], "which has no numbered layer"),
        (["shared_heads.text.decoder.embed"], "needs shared_heads.text.decoder.embed with two"),
    ],
)
def test_stacks_without_layers_are_refused(with_decoder, stacks, said):
    with pytest.raises(ValueError, match=said):
        find_layers(with_decoder, stacks)


def test_columns_are_grouped_by_layer_and_what_is_in_none_by_its_module(with_decoder):
    groups = group_columns(with_decoder)
    assert groups["encoder.encoders.0"] == [(0, 2)]
    assert groups["encoder.norm"] == [(22, 24)]
    assert groups["shared_heads.text.decoder.decoders.1"] == [(26, 28)]
    assert groups["shared_heads.text.ctc"] == [(30, 32)]
    assert sorted(span for spans in groups.values() for span in spans) == [
        (start, start + 2) for start in range(0, 32, 2)
    ]


def test_a_module_whose_parameters_lie_apart_has_more_than_one_span():
    sizes = {"first.weight": 3, "second.0.weight": 2, "second.0.bias": 1, "first.bias": 4}
    sizes["first.scale"] = 2
    parameters = {name: torch.nn.Parameter(torch.ones(size)) for name, size in sizes.items()}
    assert group_columns(parameters) == {"first": [(0, 3), (6, 12)], "second.0": [(3, 6)]}


def test_layers_of_the_encoder_hold_their_own_parameters(with_decoder):
    layers = layer_parameters(with_decoder)
    assert list(layers) == [f"encoder.encoders.{number}" for number in range(11)]
    for layer, members in layers.items():
        assert members == {id(with_decoder[f"{layer}.{name}"]) for name in ("weight", "bias")}
