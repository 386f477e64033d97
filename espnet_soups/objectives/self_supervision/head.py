"""Base of the heads of self-supervision."""

from collections.abc import Callable
from typing import ClassVar

import torch
from torch import Tensor

from espnet_soups.losses.loss_sum import LossSum
from espnet_soups.objectives.heads.head import Head

# (features [B, T, D], frames [B]) -> (encoded [B, T', D'], frames [B]), through the gate.
Encode = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]

VALIDATION_SEED = 0  # crops and masks of validation are the same in every epoch


class SSLHead(Head):
    """Head that turns features without labels into a loss.

    It calls the encoder itself, on crops or masked features instead of whole utterances.

    Args:
        audio: Utterances it learns from: `all`, `labeled` or `unlabeled`.
    """

    reads: ClassVar[str] = "features"

    def __init__(self, audio: str) -> None:
        super().__init__()
        self.audio = audio

    def forward(  # type: ignore[override] # it reads features
        self, feats: Tensor, lengths: Tensor, encode: Encode
    ) -> LossSum:
        """Return the loss of some utterances.

        Args:
            feats: Normalised features without SpecAugment, [B, T, D].
            lengths: Frames of each utterance, [B].
            encode: The encoder, with the gate of the objective behind it.
        """
        raise NotImplementedError

    def generator(self) -> torch.Generator | None:
        """Return the generator of crops and masks; None, the global one, while training."""
        return None if self.training else torch.Generator().manual_seed(VALIDATION_SEED)


def variance(frames: Tensor) -> Tensor:
    """Return the variance of encoded frames, averaged over dimensions; 0 if the encoder collapsed.

    Args:
        frames: Encoded frames without padding, [N, D].
    """
    return frames.detach().float().var(dim=0, unbiased=False).mean()
