"""What the heads of all kinds of objectives have in common."""

from collections.abc import Hashable, Sequence
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from espnet_soups.losses.loss_sum import LossSum, absent_sum

ENCODED, ENCODED_AND_SPEECH, FEATURES = "encoded", "encoded+speech", "features"
READS = (ENCODED, ENCODED_AND_SPEECH, FEATURES)


class HeadInput(NamedTuple):
    """What a head that reads encoded frames learns from.

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
        reads: What `forward` gets: `encoded` frames; `encoded+speech`, then further the speech that
            they were encoded from, features [B, T, F] before normalisation or samples [B, T], and
            its lengths [B]; or `features`, for heads that encode by themselves what they have cut
            or masked.
        augmented: Whether SpecAugment hides parts of what its frames are encoded from. If not, its
            utterances are encoded a second time while training, where there is SpecAugment.
        has_accuracy: Whether it is right or wrong about something at all.
        signed: Whether its loss may be negative, as in dB, so that no part of it can be said to be
            saved: combiners that compare losses cannot take it, and `delta` leaves it out.
        scored_in_training: Whether its accuracy is known while training, too.
        watched: Names of the further numbers that its losses report.
        is_shared: Whether its parameters are those of a module that other heads use too; then they
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
        """Whether its accuracy is known while training, too."""
        return True

    def forward(
        self, encoded: Tensor, frame_lengths: Tensor, labels: Tensor, label_lengths: Tensor
    ) -> LossSum:
        """Return the loss of labelled utterances.

        Args:
            encoded: Encoder output, [B, T, D].
            frame_lengths: Frames of each utterance, [B].
            labels: What the encoders of the kind made of the labels, padded, [B, L] or [B, L, F].
            label_lengths: Length of each label, [B].
        """
        raise NotImplementedError

    def absent(self, like: Tensor, utterances: int = 0, unalignable: int = 0) -> LossSum:
        """Return a loss of zero, for batches without a label; see `absent_sum`."""
        return absent_sum(self.parameters(), like, utterances, unalignable, self.watched)

    def group_key(self) -> Hashable | None:
        """Return what heads must have in common to be computed together; None: computed alone."""
        return None

    @staticmethod
    def losses_together(
        heads: Sequence["Head"], inputs: Sequence[HeadInput]
    ) -> list[LossSum] | None:
        """Return the losses of several heads at once, each with the gradient that it has alone.

        Args:
            heads: Heads of one class with the same `group_key`.
            inputs: What each of them learns from.

        Returns:
            The losses; None: these are computed one by one.
        """
        return None
