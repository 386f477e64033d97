import pytest
import torch

from espnet_soups.gradients.layers import select_parameters


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
    with pytest.raises(ValueError, match=r"`all` or a list.*'conflict'"):
        select_parameters(model, ["encoder"], "conflict")
    model.requires_grad_(False)
    with pytest.raises(ValueError, match="No shared parameter is trainable"):
        select_parameters(model, ["encoder"], "all")
