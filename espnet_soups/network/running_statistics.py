"""The running statistics of BatchNorm, kept from before a mini-batch."""

import torch
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm


class RunningStatistics:
    """Guard of BatchNorm: a mini-batch that is not finite would spoil its statistics for good.

    Args:
        model: The model that may have BatchNorm layers.
    """

    def __init__(self, model: torch.nn.Module) -> None:
        layers = [layer for layer in model.modules() if isinstance(layer, _BatchNorm)]
        self.buffers: list[Tensor] = [buffer for layer in layers for buffer in layer.buffers()]
        self.kept = [buffer.clone() for buffer in self.buffers]

    def restore(self) -> None:
        """Set the statistics back to when this object was made.

        The backward pass that follows has saved these tensors and checks their version, which
        writing to `data` leaves unchanged.
        """
        for buffer, before in zip(self.buffers, self.kept, strict=True):
            buffer.data.copy_(before)
