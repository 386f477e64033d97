"""Layers for a CPU: the same numbers and gradients as PyTorch's, which are the reference."""

from unittest.mock import Mock

import pytest
import torch
from espnet2.legacy.nets.pytorch_backend.conformer.convolution import ConvolutionModule
from espnet2.legacy.nets.pytorch_backend.conformer.swish import Swish
from espnet2.legacy.nets.pytorch_backend.transformer.attention import (
    RelPositionMultiHeadedAttention,
)
from espnet2.legacy.nets.pytorch_backend.transformer.embedding import RelPositionalEncoding
from espnet2.legacy.nets.pytorch_backend.transformer.positionwise_feed_forward import (
    PositionwiseFeedForward,
)

from espnet_soups.backbone.cpu import attention as attention_file
from espnet_soups.backbone.cpu import feed_forward, replace, shapes
from espnet_soups.backbone.cpu import linear as linear_file
from espnet_soups.backbone.cpu.attention import RelativeAttention
from espnet_soups.backbone.cpu.convolution import DepthwiseConv1d, PointwiseConv1d
from espnet_soups.backbone.cpu.feed_forward import FeedForward
from espnet_soups.backbone.cpu.linear import Linear, is_held_back
from espnet_soups.backbone.cpu.replace import use_cpu_layers

FLOAT32 = {"rtol": 1e-4, "atol": 1e-4}  # sums of some hundred products, added up in another order


@pytest.fixture(autouse=True)
def held_back(monkeypatch):
    """A machine on which every product goes by oneDNN, however small."""
    if not linear_file._has_product():
        pytest.skip("this PyTorch has no oneDNN")
    monkeypatch.setattr(replace, "is_held_back", lambda: True)
    monkeypatch.setattr(linear_file, "LEAST_PRODUCTS", 0)


def passes(layer, values, seed=0):
    """Return the output, and the gradients of values and parameters for a random one above."""
    values = values.detach().clone(memory_format=torch.preserve_format).requires_grad_()
    layer.zero_grad()
    output = layer(values)
    output.backward(torch.randn(output.shape, generator=torch.Generator().manual_seed(seed)))
    return [output.detach(), values.grad, *[parameter.grad for parameter in layer.parameters()]]


def faster(layer):
    holder = torch.nn.ModuleDict({"layer": layer})
    use_cpu_layers(holder)
    return holder["layer"]


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("inside", "outside"), [(12, 5), (5, 12)])
@pytest.mark.parametrize("leading", [(7,), (3, 7), (2, 3, 7)])
def test_a_linear_layer_has_the_same_output_and_gradients(leading, inside, outside, bias):
    layer, values = torch.nn.Linear(inside, outside, bias), torch.randn(*leading, inside)
    expected = passes(layer, values)
    assert type(faster(layer)) is Linear
    for found, wanted in zip(passes(layer, values), expected, strict=True):
        torch.testing.assert_close(found, wanted, **FLOAT32)


@pytest.mark.parametrize("transposed", [True, False])  # ESPnet's blocks hand over transposed frames
@pytest.mark.parametrize("kernel", [1, 3, 31])
def test_a_depthwise_convolution_has_the_same_output_and_gradients(kernel, transposed):
    layer = torch.nn.Conv1d(6, 6, kernel, padding=kernel // 2, groups=6)
    values = torch.randn(3, 20, 6).transpose(1, 2) if transposed else torch.randn(3, 6, 20)
    expected = passes(layer, values)
    assert type(faster(layer)) is DepthwiseConv1d
    for found, wanted in zip(passes(layer, values), expected, strict=True):
        torch.testing.assert_close(found, wanted, **FLOAT32)


@pytest.mark.parametrize("leading", [(7,), (3, 37)])  # 111 rows become 112
def test_a_feed_forward_layer_has_the_same_output_and_gradients(leading, monkeypatch):
    layer, values = PositionwiseFeedForward(6, 10, 0.0, torch.nn.ReLU()), torch.randn(*leading, 6)
    expected = passes(layer, values)
    use_cpu_layers(layer)
    assert [type(layer), type(layer.w_1), type(layer.w_2)] == [FeedForward, Linear, Linear]
    pad_rows = Mock(wraps=shapes.pad_rows)
    monkeypatch.setattr(feed_forward, "pad_rows", pad_rows)
    for found, wanted in zip(passes(layer, values), expected, strict=True):
        torch.testing.assert_close(found, wanted, **FLOAT32)
    assert pad_rows.call_count == 1


def test_a_convolution_block_of_a_conformer_has_the_same_output_and_gradients():
    block, values = ConvolutionModule(8, 7, Swish()), torch.randn(2, 9, 8)
    expected = passes(block, values)
    use_cpu_layers(block)
    kinds = [type(layer) for layer in (block.pointwise_conv1, block.depthwise_conv)]
    assert kinds == [PointwiseConv1d, DepthwiseConv1d]
    assert type(block.activation) is torch.nn.SiLU
    for found, wanted in zip(passes(block, values), expected, strict=True):
        torch.testing.assert_close(found, wanted, **FLOAT32)


@pytest.mark.parametrize(
    "layer",
    [
        torch.nn.Conv1d(4, 4, 3, groups=4),  # fewer frames come out
        torch.nn.Conv1d(4, 4, 3, padding=1, groups=2),
        torch.nn.Conv1d(4, 4, 3, padding=1, stride=2, groups=4),
        torch.nn.Conv1d(4, 4, 3, padding=2, dilation=2, groups=4),
        torch.nn.Conv1d(4, 4, 3, padding=1, padding_mode="circular", groups=4),
    ],
)
def test_other_convolutions_are_left_as_they_are(layer):
    assert type(faster(layer)) is torch.nn.Conv1d


def test_names_and_parameters_stay():
    block = ConvolutionModule(8, 7, Swish())
    before = {name: value.data_ptr() for name, value in block.named_parameters()}
    use_cpu_layers(block)
    assert {name: value.data_ptr() for name, value in block.named_parameters()} == before


def test_other_dtypes_and_autocast_compute_as_pytorch_does(monkeypatch):
    monkeypatch.setattr(linear_file._Linear, "apply", None)  # would be called in float32
    layer = faster(torch.nn.Linear(4, 3)).double()
    layer(torch.randn(2, 4).double())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert layer.float()(torch.randn(2, 4)).dtype == torch.bfloat16


def test_gradients_of_frozen_weights_are_left_out():
    layer = faster(torch.nn.Linear(4, 3)).requires_grad_(False)
    found = passes(layer, torch.randn(2, 4))
    assert found[1] is not None
    assert found[2] is None
    assert found[3] is None


@pytest.mark.parametrize(
    ("vendor", "family", "capability", "answer"),
    [
        ("AuthenticAMD", 26, "AVX512", True),
        ("AuthenticAMD", 25, "AVX512", False),  # Zen 4
        ("AuthenticAMD", 26, "AVX2", False),
        ("HygonGenuine", 25, "AVX512", True),
        ("GenuineIntel", 6, "AVX512", False),
    ],
)
def test_products_go_by_onednn_where_mkl_is_held_back(pretend, vendor, family, capability, answer):
    pretend(f"processor\t: 0\nvendor_id\t: {vendor}\ncpu family\t: {family}\n", capability)
    assert is_held_back.__wrapped__() is answer


def attend(attention, values, mask, arriving):
    values = values.clone().requires_grad_()
    attention.zero_grad()
    _, positions = RelPositionalEncoding(8, 0.0)(values)
    output = attention(values, values, values, positions.to(values), mask)
    output.backward(arriving)
    gradients = [parameter.grad.clone() for parameter in attention.parameters()]
    return [output.detach(), values.grad, attention.attn.detach(), *gradients]


@pytest.mark.parametrize("lengths", [None, (7, 4, 1)])
@pytest.mark.parametrize("frames", [1, 7, 9])  # with blocks of 3: 1, 4 + 3, 3 + 3 + 3
def test_attention_has_the_same_output_weights_and_gradients(frames, lengths, monkeypatch):
    monkeypatch.setattr(attention_file, "QUERIES", 3)
    attention = RelPositionMultiHeadedAttention(2, 8, 0.0).double().eval()  # which keeps weights
    mask = None
    if lengths is not None:
        mask = torch.arange(frames) < torch.tensor(lengths).view(-1, 1, 1)
    values, arriving = torch.randn(2, 3, frames, 8, dtype=torch.float64)
    expected = attend(attention, values, mask, arriving)
    assert type(faster(attention)) is RelativeAttention
    for found, wanted in zip(attend(attention, values, mask, arriving), expected, strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("options", [{"zero_triu": True}, {"use_sdpa": True}])
def test_attention_of_another_kind_is_left_as_it_is(options):
    attention = RelPositionMultiHeadedAttention(2, 8, 0.0, **options)
    assert type(faster(attention)) is RelPositionMultiHeadedAttention
