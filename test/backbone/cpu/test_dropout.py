"""Dropout for a CPU: the same distribution as PyTorch's."""

import pytest
import torch

from espnet_soups.backbone.cpu import dropout as dropout_file
from espnet_soups.backbone.cpu.dropout import Dropout
from espnet_soups.backbone.cpu.replace import use_cpu_layers


@pytest.fixture(autouse=True)
def no_pytorch(monkeypatch):
    """Only this dropout runs, however small the tensor."""
    monkeypatch.setattr(dropout_file, "LEAST_VALUES", 0)
    torch.manual_seed(0)


def faster(share):
    layer = torch.nn.Sequential(torch.nn.Dropout(share))
    use_cpu_layers(layer)
    assert type(layer[0]) is Dropout
    return layer[0]


@pytest.mark.parametrize("share", [0.03, 0.1, 0.5, 0.9])
def test_share_and_scale_are_those_of_pytorch(share):
    values = torch.ones(500, 401)
    found, expected = faster(share)(values), torch.nn.functional.dropout(values, share)
    assert len(found.unique()) == 2
    torch.testing.assert_close(found.max(), expected.max(), rtol=2e-4, atol=0.0)
    error = 4 * (share * (1 - share) / values.numel()) ** 0.5  # four standard deviations
    assert abs((found == 0).float().mean() - share) < error
    assert abs((expected == 0).float().mean() - share) < error


@pytest.mark.parametrize("distance", [1, 2, 3, 4, 401])
def test_values_are_dropped_independently(distance):
    dropped = (faster(0.3)(torch.ones(500, 401)) == 0).flatten()
    both = (dropped[distance:] & dropped[:-distance]).float().mean()
    assert abs(both - 0.09) < 0.003


def test_gradients_pass_where_values_do():
    values = torch.randn(30, 7, requires_grad=True)
    found = faster(0.4)(values)
    found.sum().backward()
    torch.testing.assert_close(values.grad * values, found)
    assert (values.grad == 0).any()


def test_the_seed_decides():
    layer, values = faster(0.5), torch.ones(99)
    first = layer(values)
    assert not torch.equal(layer(values), first)
    torch.manual_seed(0)
    assert torch.equal(layer(values), first)


def test_evaluation_and_shares_of_nought_and_one_are_exact():
    values = torch.randn(50)
    assert torch.equal(faster(0.5).eval()(values), values)
    assert torch.equal(faster(0.0)(values), values)
    assert torch.equal(faster(1.0)(values), torch.zeros(50))


@pytest.mark.parametrize(
    ("layer", "values"),
    [
        (Dropout(0.5), torch.ones(99).double()),
        (Dropout(0.5, inplace=True), torch.ones(99)),
    ],
)
def test_other_tensors_go_by_pytorch(layer, values):
    expected = torch.nn.functional.dropout(values.clone(), 0.5)
    torch.manual_seed(0)
    assert torch.equal(layer(values), expected)
    assert torch.equal(layer(values), values) is layer.inplace


def test_small_tensors_go_by_pytorch(monkeypatch):
    monkeypatch.setattr(dropout_file, "LEAST_VALUES", 100)
    expected = torch.nn.functional.dropout(torch.ones(99), 0.5)
    torch.manual_seed(0)
    assert torch.equal(Dropout(0.5)(torch.ones(99)), expected)
