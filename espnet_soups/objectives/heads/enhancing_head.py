"""Base of the heads of enhancement."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from espnet_soups.losses.loss_sum import LossSum, sum_dtype
from espnet_soups.objectives.heads.head import ENCODED_AND_SPEECH, Head


class EnhancingHead(Head):
    """Head that turns noisy speech into clean; SpecAugment is never applied to its input."""

    reads: ClassVar[str] = ENCODED_AND_SPEECH
    augmented: ClassVar[bool] = False
    has_accuracy: ClassVar[bool] = False
    watched = ("gain_db",)

    def forward(  # type: ignore[override]
        self,
        encoded: Tensor,
        frame_lengths: Tensor,
        labels: Tensor,
        label_lengths: Tensor,
        speech: Tensor,
        lengths: Tensor,
    ) -> LossSum:
        """Return the loss of utterances with clean speech; there is no accuracy.

        Args:
            encoded: Encoder output, [B, T', D].
            frame_lengths: Encoded frames of each utterance, [B].
            labels: Clean speech: features [B, T, F] or samples [B, S].
            label_lengths: Frames or samples of each, [B].
            speech: Noisy speech before normalisation, of the shape of the clean one.
            lengths: Frames or samples of each, [B].

        Raises:
            ValueError: If clean and noisy speech differ in shape.
        """
        check_clean(labels, label_lengths, speech, lengths)
        enhanced = self.enhance(encoded, frame_lengths, speech, lengths)
        compared = self.compare(enhanced, labels, speech, lengths)
        dtype = sum_dtype(compared.total)
        return LossSum(
            total=compared.total.to(dtype),
            count=compared.count.to(dtype),
            correct=compared.total.new_full((), torch.nan, dtype=dtype),
            utterances=len(lengths),
            watched={"gain_db": compared.gain.detach().to(dtype)},
        )

    def enhance(
        self, encoded: Tensor, frame_lengths: Tensor, speech: Tensor, lengths: Tensor
    ) -> Tensor:
        """Return enhanced speech, in the shape of the noisy one.

        Args:
            encoded: Encoder output, [B, T', D].
            frame_lengths: Encoded frames of each utterance, [B].
            speech: Noisy speech: features [B, T, F] or samples [B, S].
            lengths: Frames or samples of each utterance, [B].
        """
        raise NotImplementedError

    def compare(
        self, enhanced: Tensor, clean: Tensor, noisy: Tensor, lengths: Tensor
    ) -> "Comparison":
        """Return the loss of enhanced speech, and its gain over the noisy speech.

        Args:
            enhanced: Enhanced speech: features [B, T, F] or samples [B, S].
            clean: Clean speech, in the same shape.
            noisy: Noisy speech, in the same shape.
            lengths: Frames or samples of each utterance, [B].
        """
        raise NotImplementedError


@dataclass(frozen=True)
class Comparison:
    """Comparison of enhanced speech with the clean one.

    Attributes:
        total: Sum of the loss, a scalar.
        count: Number of frames or utterances in the sum, a scalar.
        gain: Mean gain over the noisy speech, dB, a scalar.
    """

    total: Tensor
    count: Tensor
    gain: Tensor


def check_clean(clean: Tensor, clean_lengths: Tensor, noisy: Tensor, lengths: Tensor) -> None:
    """Refuse clean speech with another length or width than the noisy one.

    Args:
        clean: Clean speech: features [B, T, F] or samples [B, S].
        clean_lengths: Frames or samples of each utterance, [B].
        noisy: Noisy speech, of the same shape.
        lengths: Frames or samples of each utterance, [B].

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
