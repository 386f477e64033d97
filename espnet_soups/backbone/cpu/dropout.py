"""Dropout that draws its random masks twice as fast as PyTorch's on a CPU."""

import torch
from torch import Tensor

LEAST_VALUES = 2**14  # below, more calls cost more than the faster draw saves
LEVELS = 2**16  # a 64-bit random number decides about four values


class Dropout(torch.nn.Dropout):
    """Dropout by 16 random bits for each value: for tensors of float32 on a CPU."""

    def forward(self, values: Tensor) -> Tensor:
        """Return the values, some of them zero and the others scaled to the same mean.

        Args:
            values: Any shape.
        """
        dropped = round(self.p * LEVELS)
        if (
            not self.training
            or self.inplace
            or not 0 < dropped < LEVELS
            or values.device.type != "cpu"
            or values.dtype != torch.float32
            or values.numel() < LEAST_VALUES
        ):
            return super().forward(values)
        drawn = torch.empty(-(-values.numel() // 4), dtype=torch.int64).random_(-(2**63), None)
        bits = drawn.view(torch.int16)[: values.numel()].view(values.shape)
        kept = (bits >= dropped - LEVELS // 2).to(values.dtype)
        return values * kept.mul_(LEVELS / (LEVELS - dropped))
