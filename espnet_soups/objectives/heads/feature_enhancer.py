"""The head of enhancement for features from disk: a gain for every filter of every frame."""

import torch
from torch import Tensor

from espnet_soups.losses.log_spectrum import deviations_over_frames, log_spectral_distances
from espnet_soups.losses.loss_sum import LossSum
from espnet_soups.objectives.heads.enhancing_head import EnhancingHead, check_clean, loss_of
from espnet_soups.objectives.heads.spread import spread

LEAST_DEVIATION = 1.0  # of a filter over an utterance, in natural logarithms: 4.3 dB


class FeatureEnhancer(EnhancingHead):
    """Adds what a linear layer makes of encoded frames to the noisy log filterbanks.

    In logarithms a sum is a mask of the filters' power. The layer begins with zeros, so that all
    passes. The loss is the mean squared error per number, in deviations of the features, summed
    over frames.

    Args:
        encoder_size: Numbers of an encoded frame.
        feature_size: Numbers of a frame of features.
        deviations: Standard deviation of each number over the training set, [F], as the model
            normalises its input; None: those of the utterance count.
    """

    deviations: Tensor | None

    def __init__(
        self, encoder_size: int, feature_size: int, deviations: Tensor | None = None
    ) -> None:
        super().__init__()
        self.gains = torch.nn.Linear(encoder_size, feature_size)
        torch.nn.init.zeros_(self.gains.weight)
        torch.nn.init.zeros_(self.gains.bias)
        self.register_buffer("deviations", deviations, persistent=False)

    def forward(  # type: ignore[override]
        self,
        encoded: Tensor,
        frame_lengths: Tensor,
        labels: Tensor,
        label_lengths: Tensor,
        speech: Tensor,
        lengths: Tensor,
    ) -> LossSum:
        """Return the loss of utterances with clean features.

        Args:
            encoded: Encoder output, [B, T', D].
            frame_lengths: Encoded frames of each utterance, [B].
            labels: Clean features, [B, T, F].
            label_lengths: Frames of each, [B].
            speech: Noisy features before normalisation, [B, T, F].
            lengths: Frames of each, [B].

        Raises:
            ValueError: If clean and noisy features differ in shape.
        """
        check_clean(labels, label_lengths, speech, lengths)
        enhanced = self.enhance(encoded, frame_lengths, speech, lengths)
        inside = torch.arange(speech.size(1), device=speech.device) < lengths.unsqueeze(1)
        errors = ((enhanced - labels) / self._scales(speech, lengths)).square().mean(dim=-1)
        left = log_spectral_distances(enhanced.detach(), labels)
        gains = log_spectral_distances(speech, labels) - left
        return loss_of(errors[inside].sum(), lengths.sum(), gains[inside].mean(), len(lengths))

    def enhance(
        self, encoded: Tensor, frame_lengths: Tensor, speech: Tensor, lengths: Tensor
    ) -> Tensor:
        """Return enhanced features, [B, T, F]; see `EnhancingHead.enhance`."""
        gains = spread(self.gains(encoded), frame_lengths, lengths, speech.size(1))
        return speech + self._scales(speech, lengths) * gains.to(speech.dtype)

    def _scales(self, speech: Tensor, lengths: Tensor) -> Tensor:
        """Return what a gain of 1 stands for, [F] or [B, 1, F]."""
        if self.deviations is not None:
            return self.deviations.to(speech)
        return deviations_over_frames(speech, lengths, LEAST_DEVIATION)
