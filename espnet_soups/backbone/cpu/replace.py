"""Replacement of a model's layers by ones that are faster on a CPU."""

import torch
from espnet2.legacy.nets.pytorch_backend.conformer.swish import Swish
from espnet2.legacy.nets.pytorch_backend.transformer.attention import (
    RelPositionMultiHeadedAttention,
)
from espnet2.legacy.nets.pytorch_backend.transformer.positionwise_feed_forward import (
    PositionwiseFeedForward,
)
from torch.nn import Module

from espnet_soups.backbone.cpu.attention import RelativeAttention
from espnet_soups.backbone.cpu.convolution import (
    DepthwiseConv1d,
    PointwiseConv1d,
    is_depthwise,
    is_pointwise,
)
from espnet_soups.backbone.cpu.dropout import Dropout
from espnet_soups.backbone.cpu.feed_forward import FeedForward
from espnet_soups.backbone.cpu.linear import Linear, is_held_back


def use_cpu_layers(model: Module) -> None:
    """Replace layers in place; parameters, their names and the results stay the same.

    Dropout alone draws other random masks, of the same distribution.

    On a GPU, in other dtypes than float32 and under autocast the layers compute as PyTorch's do.

    Args:
        model: Any model; only layers whose class is exactly PyTorch's or ESPnet's are replaced.
    """
    for layer in model.modules():
        kind = _faster(layer)
        if kind is not None:
            layer.__class__ = kind
        for name, child in layer.named_children():
            if type(child) is Swish:
                setattr(layer, name, torch.nn.SiLU())


def _faster(layer: Module) -> type[Module] | None:
    """Return the class that computes a layer faster; None if there is none."""
    if type(layer) is torch.nn.Linear:
        return Linear if is_held_back() else None
    if type(layer) is torch.nn.Dropout:
        return Dropout
    if type(layer) is PositionwiseFeedForward:
        return FeedForward if is_held_back() else None
    if type(layer) is RelPositionMultiHeadedAttention:
        return None if layer.zero_triu or layer.use_sdpa else RelativeAttention
    if type(layer) is not torch.nn.Conv1d:
        return None
    if is_depthwise(layer):
        return DepthwiseConv1d
    return PointwiseConv1d if is_pointwise(layer) and is_held_back() else None
