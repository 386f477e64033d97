"""Group normalisation over the frames of each utterance alone."""

import torch
from torch import Tensor


class UtteranceGroupNorm(torch.nn.GroupNorm):
    """Group norm with a group per channel whose means leave out padding.

    The first convolution of wav2vec 2.0 base and HuBERT base is normalised over time. With
    PyTorch's layer the padding of a mini-batch counts, so that an utterance's encoding depends on
    the others in the batch. Names and shapes of its parameters are those of the layer it replaces.

    Args:
        norm: The layer that it replaces; its parameters are reused.

    Raises:
        ValueError: If it has several channels per group.
    """

    def __init__(self, norm: torch.nn.GroupNorm) -> None:
        if norm.num_groups != norm.num_channels:
            raise ValueError(
                f"One group per channel is expected, but got {norm.num_groups} groups of"
                f" {norm.num_channels} channels."
            )
        super().__init__(norm.num_groups, norm.num_channels, norm.eps, norm.affine)
        self.weight, self.bias = norm.weight, norm.bias
        self.frames: Tensor | None = None  # set before each batch; None: no padding

    def forward(self, values: Tensor) -> Tensor:
        """Return the normalised values, [B, C, T].

        Args:
            values: Output of the convolution, [B, C, T]; padding begins where `frames` says.
        """
        if self.frames is None:
            return super().forward(values)
        values = values.to(torch.promote_types(values.dtype, torch.float32))  # as autocast does
        inside = torch.arange(values.size(2), device=values.device) < self.frames.unsqueeze(1)
        inside = inside.unsqueeze(1)
        count = self.frames.view(-1, 1, 1)
        mean = values.masked_fill(~inside, 0.0).sum(dim=2, keepdim=True) / count
        centred = values - mean
        squares = centred.square().masked_fill(~inside, 0.0)
        variance = squares.sum(dim=2, keepdim=True) / count
        scaled = centred * torch.rsqrt(variance + self.eps)
        return scaled * self.weight[:, None] + self.bias[:, None]
