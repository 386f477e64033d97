"""Fast convolutions over time on a CPU: with one filter per channel, or one frame wide."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import conv2d
from torch.nn.grad import conv2d_weight

from espnet_soups.backbone.cpu.linear import linear
from espnet_soups.backbone.cpu.shapes import round_up


class DepthwiseConv1d(torch.nn.Conv1d):
    """Convolution with one filter per channel that keeps the number of frames.

    ESPnet passes frames as [B, T, C], transposed; oneDNN computes them in that memory layout. Both
    passes over the input are then fast; PyTorch's own backward pass is several times slower.
    """

    def forward(self, values: Tensor) -> Tensor:
        """Return the filtered values, [B, C, T].

        Args:
            values: Frames, [B, C, T].
        """
        if (
            values.device.type != "cpu"
            or values.dtype != torch.float32
            or values.dim() != 3
            or torch.is_autocast_enabled("cpu")
        ):
            return super().forward(values)
        return _Depthwise.apply(values, self.weight, self.bias)  # type: ignore[no-any-return]


class PointwiseConv1d(torch.nn.Conv1d):
    """Convolution that is one frame wide: a linear layer over channels."""

    def forward(self, values: Tensor) -> Tensor:
        """Return the values of each frame multiplied by the weight, [B, E, T].

        Args:
            values: Frames, [B, D, T].
        """
        if values.device.type != "cpu" or values.dim() != 3:
            return super().forward(values)
        return linear(values.transpose(1, 2), self.weight[:, :, 0], self.bias).transpose(1, 2)


def is_depthwise(layer: torch.nn.Conv1d) -> bool:
    """Return True if `DepthwiseConv1d` computes the same as a layer.

    Args:
        layer: Any convolution over time.
    """
    return (
        layer.groups == layer.in_channels == layer.out_channels
        and layer.kernel_size[0] % 2 == 1
        and layer.padding == (layer.kernel_size[0] // 2,)
        and layer.stride == layer.dilation == (1,)
        and layer.padding_mode == "zeros"
    )


def is_pointwise(layer: torch.nn.Conv1d) -> bool:
    """Return True if `PointwiseConv1d` computes the same as a layer.

    Args:
        layer: Any convolution over time.
    """
    return (
        layer.groups == 1
        and layer.kernel_size == layer.stride == layer.dilation == (1,)
        and layer.padding == (0,)
    )


class _Depthwise(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(values, weight)
        return _filtered(values, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        values, weight = ctx.saved_tensors
        below = own = offset = None
        if ctx.needs_input_grad[0]:
            below = _filtered(gradient, weight.flip(2), None)
        if ctx.needs_input_grad[1]:
            own = _weight_gradient(values, gradient, weight)
        if ctx.needs_input_grad[2]:
            offset = gradient.sum(dim=(0, 2))
        return below, own, offset


def _filtered(values: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Filter each channel of [B, C, T], as one image of one row, with channels last.

    All utterances stand in a row, separated by as many zeros as the filter reaches, so that the
    shape of the image depends on its length alone.
    """
    size, channels, frames = values.shape
    reach = weight.size(2) // 2
    rows = size * (frames + reach)
    image = values.new_zeros(1, 1, round_up(rows), channels)
    apart = image[0, 0, :rows].view(size, frames + reach, channels)
    apart[:, :frames] = values.transpose(1, 2)
    image = image.permute(0, 3, 1, 2)  # these strides make PyTorch see that channels are last
    found = conv2d(image, weight.unsqueeze(2), bias, padding=(0, reach), groups=channels)
    together = found[0, :, 0, :rows].t()
    return together.reshape(size, frames + reach, channels)[:, :frames].transpose(1, 2)


def _weight_gradient(values: Tensor, gradient: Tensor, weight: Tensor) -> Tensor:
    """Return the gradient of the filters, [C, 1, K]: as an image of one column, which is faster."""
    size, padding = weight.unsqueeze(3).shape, (weight.size(2) // 2, 0)
    image, arriving = values.unsqueeze(3), gradient.unsqueeze(3)
    found = conv2d_weight(image, size, arriving, padding=padding, groups=weight.size(0))  # type: ignore[no-untyped-call]
    return found.squeeze(3)  # type: ignore[no-any-return]
