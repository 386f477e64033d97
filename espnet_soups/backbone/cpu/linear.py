"""Linear layers by oneDNN, for processors on which PyTorch's own matrix products are slow."""

from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from espnet_soups.backbone.cpu.processor import cpuinfo
from espnet_soups.backbone.cpu.shapes import pad_rows

ZEN_4 = ("AuthenticAMD", "25")  # maker and family of the processor
LEAST_PRODUCTS = 2**23  # below, a call costs more than the faster product saves


class Linear(torch.nn.Linear):
    """Linear layer whose products oneDNN computes: those of float32 on a CPU."""

    def forward(self, values: Tensor) -> Tensor:
        """Return the product with the weight, plus the bias, [..., E].

        Args:
            values: Any leading shape, [..., D].
        """
        return linear(values, self.weight, self.bias)


def linear(values: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Return `torch.nn.functional.linear`, by oneDNN where that is faster.

    Args:
        values: Any leading shape, [..., D].
        weight: The weight, [E, D].
        bias: The bias, [E], or None.
    """
    if (
        values.device.type != "cpu"
        or values.dtype != torch.float32
        or weight.dtype != torch.float32
        or values.numel() * weight.size(0) < LEAST_PRODUCTS
        or torch.is_autocast_enabled("cpu")
    ):
        return torch.nn.functional.linear(values, weight, bias)
    return _Linear.apply(values, weight, bias)  # type: ignore[no-any-return]


@cache
def is_held_back() -> bool:
    """Return True if matrix products are faster by oneDNN on this machine.

    PyTorch multiplies by Intel's MKL, which leaves half of the width of AVX-512 unused on
    processors of other makers. On AMD's Zen 4 that costs nothing: it computes in halves anyway. The
    answer depends on the processor, not on a measured time, so that two runs on one machine round
    alike.
    """
    if torch.backends.cpu.get_cpu_capability() != "AVX512" or not _has_product():
        return False
    maker, family = cpuinfo("vendor_id"), cpuinfo("cpu family")
    return bool(maker) and maker != "GenuineIntel" and (maker, family) != ZEN_4


def _has_product() -> bool:
    """Return True if PyTorch has the operation of oneDNN, with the expected result."""
    with torch.device("cpu"):  # a model may be built on "meta"
        values, weight = torch.arange(12.0).view(3, 4), torch.arange(20.0).view(5, 4) - 9.0
        bias = torch.arange(5.0)  # nothing random: the numbers of a training must not depend on it
    try:
        found = _product(values, weight, bias)
    except (AttributeError, RuntimeError):
        return False
    return torch.allclose(found, torch.nn.functional.linear(values, weight, bias), atol=1e-4)


def _product(values: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return values @ weight.T + bias by oneDNN, which reads transposed operands in place."""
    found: Tensor = torch.ops.mkldnn._linear_pointwise(values, weight, bias, "none", [], "")
    return found


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        rows = pad_rows(values.reshape(-1, values.size(-1)))
        ctx.save_for_backward(rows, weight)
        ctx.leading = values.shape[:-1]
        return _unpad(_product(rows, weight, bias), ctx.leading)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        rows, weight = ctx.saved_tensors
        arriving = gradient.reshape(-1, gradient.size(-1))
        padded = pad_rows(arriving)
        below = own = offset = None
        if ctx.needs_input_grad[0]:
            below = _unpad(_product(padded, weight.t()), ctx.leading)
        if ctx.needs_input_grad[1]:
            own = _weight_gradient(padded, rows)
        if ctx.needs_input_grad[2]:
            offset = arriving.sum(dim=0)
        return below, own, offset


def _unpad(rows: Tensor, leading: torch.Size) -> Tensor:
    """Return the first rows of [N, D] as [*leading, D]."""
    return rows[: leading.numel()].view(*leading, rows.size(1))


def _weight_gradient(gradient: Tensor, values: Tensor) -> Tensor:
    """Return gradient.T @ values, [E, D], of rows [N, E] and [N, D]."""
    if gradient.size(1) <= values.size(1):
        return _product(gradient.t(), values.t())
    return _product(values.t(), gradient.t()).t()  # faster with the longer side last
