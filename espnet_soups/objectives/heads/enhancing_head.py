"""What the heads of enhancement have in common."""

from typing import ClassVar

import torch
from torch import Tensor

from espnet_soups.losses.loss_sum import LossSum, sum_dtype
from espnet_soups.objectives.heads.head import ENCODED_AND_SPEECH, Head


class EnhancingHead(Head):
    """Makes clean speech of noisy speech; SpecAugment never touches what it learns from."""

    reads: ClassVar[str] = ENCODED_AND_SPEECH
    augmented: ClassVar[bool] = False
    has_accuracy: ClassVar[bool] = False
    watched = ("gain_db",)

    def enhance(
        self, encoded: Tensor, frame_lengths: Tensor, speech: Tensor, lengths: Tensor
    ) -> Tensor:
        """Return enhanced speech, of the shape of the noisy one.

        Args:
            encoded: Encoder output, [B, T', D].
            frame_lengths: Encoded frames of each utterance, [B].
            speech: Noisy speech: features [B, T, F] or samples [B, T].
            lengths: Frames or samples of each utterance, [B].
        """
        raise NotImplementedError


def check_clean(clean: Tensor, clean_lengths: Tensor, noisy: Tensor, lengths: Tensor) -> None:
    """Refuse clean speech of another length or width than the noisy one.

    Raises:
        ValueError: If an utterance differs; stage 3 names it.
    """
    differing = (clean_lengths != lengths).nonzero().flatten().tolist()
    if differing:
        row = differing[0]
        raise ValueError(
            f"Clean speech must be as long as the noisy speech, but an utterance has"
            f" {int(clean_lengths[row])} frames or samples instead of {int(lengths[row])}: run"
            " stage 3 again, which names it."
        )
    if clean.shape[2:] != noisy.shape[2:]:
        raise ValueError(
            f"Clean features have {clean.size(-1)} numbers per frame, but the noisy ones have"
            f" {noisy.size(-1)}: make both with the same settings (stage 3)."
        )


def loss_of(total: Tensor, count: Tensor, gain: Tensor, utterances: int) -> LossSum:
    """Return a loss without an accuracy.

    Args:
        total: Sum of the loss, a scalar.
        count: What it is a sum over, a scalar.
        gain: Mean gain against the noisy speech, dB, a scalar.
        utterances: How many.
    """
    dtype = sum_dtype(total)
    unknown = total.new_full((), torch.nan, dtype=dtype)
    return LossSum(
        total=total.to(dtype),
        count=count.to(dtype),
        correct=unknown,
        utterances=utterances,
        watched={"gain_db": gain.detach().to(dtype)},
    )
