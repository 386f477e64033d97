"""Base of the heads of all kinds of objectives."""

from collections.abc import Hashable, Sequence
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from espnet_soups.losses.loss_sum import LossSum, absent_sum

ENCODED, ENCODED_AND_SPEECH, FEATURES = "encoded", "encoded+speech", "features"
READS = (ENCODED, ENCODED_AND_SPEECH, FEATURES)


class HeadInput(NamedTuple):
    """Input of a head that reads encoded frames.

    Attributes:
        encoded: Encoder output, [B, T, D].
        frame_lengths: Frames of each utterance, [B].
        labels: Labels, padded, [B, L] or [B, L, F].
        label_lengths: Length of each label, [B].
    """

    encoded: Tensor
    frame_lengths: Tensor
    labels: Tensor
    label_lengths: Tensor


class Head(torch.nn.Module):
    """Head that turns encoded speech and labels into the loss of an objective.

    The loss is a sum and a count, so that independent parts of a mini-batch, accumulated ones and
    those of several ranks add up to the same mean.

    Attributes:
        reads: Input of `forward`: `encoded` frames; `encoded+speech`, which adds the speech that
            they were encoded from, features [B, T, F] before normalisation or samples [B, S], and
            its lengths [B]; or `features`, for heads that encode by themselves what they have cut
            or masked.
        augmented: Whether SpecAugment is applied to the input of its encoder. If not, its
            utterances are encoded a second time while training with SpecAugment.
        has_accuracy: Whether it has an accuracy.
        signed: Whether its loss may be negative, as in dB, so that relative changes have no
            meaning: combiners that compare losses cannot take it, and `delta` leaves it out.
        scored_in_training: Whether its accuracy is also computed while training.
        watched: Names of the further numbers that its losses report.
        is_shared: Whether its parameters belong to a module that other heads use too; then they
            count as backbone.
    """

    reads: ClassVar[str] = "encoded"
    augmented: ClassVar[bool] = True
    has_accuracy: ClassVar[bool] = True
    signed: ClassVar[bool] = False
    watched: tuple[str, ...] = ()
    is_shared: bool = False

    @property
    def scored_in_training(self) -> bool:
        """True if its accuracy is also computed while training."""
        return True

    def forward(
        self, encoded: Tensor, frame_lengths: Tensor, labels: Tensor, label_lengths: Tensor
    ) -> LossSum:
        """Return the loss of labelled utterances.

        Args:
            encoded: Encoder output, [B, T, D].
            frame_lengths: Frames of each utterance, [B].
            labels: Labels as the encoders of the kind return them, padded, [B, L] or [B, L, F].
            label_lengths: Length of each label, [B].
        """
        raise NotImplementedError

    def absent(self, like: Tensor, utterances: int = 0, unalignable: int = 0) -> LossSum:
        """Return a loss of zero, for batches without a usable label; see `absent_sum`.

        Args:
            like: Any tensor on the device and of the precision of the encoder output.
            utterances: Number of utterances with a label.
            unalignable: Number of those that were left out.
        """
        return absent_sum(self.parameters(), like, utterances, unalignable, self.watched)

    def group_key(self) -> Hashable | None:
        """Return a key that heads computed together share; None to compute this one alone."""
        return None

    def ends_at_its_input(self) -> bool:
        """Return True if its loss depends on shared modules through the encoded frames alone."""
        return False

    @staticmethod
    def losses_together(
        heads: Sequence["Head"], inputs: Sequence[HeadInput]
    ) -> list[LossSum] | None:
        """Return the losses of several heads at once, each with the gradient that it has alone.

        Args:
            heads: Heads of one class with the same `group_key`.
            inputs: The input of each of them.

        Returns:
            The losses; None to compute these heads one by one.
        """
        return None
