"""Head of enhancement for features from disk: a gain for every filter of every frame."""

import torch
from torch import Tensor

from espnet_soups.losses.log_spectrum import deviations_over_frames, log_spectral_distances
from espnet_soups.objectives.heads.enhancing_head import Comparison, EnhancingHead
from espnet_soups.objectives.heads.spread import spread

LEAST_DEVIATION = 1.0  # of a filter over an utterance, in natural logarithms: 4.3 dB


class FeatureEnhancer(EnhancingHead):
    """Head that adds the output of a linear layer on encoded frames to the noisy log filterbanks.

    In logarithms a sum is a mask of the filters' power. The layer is initialised with zeros, so
    that at first the noisy speech passes unchanged. The loss is the mean squared error per number,
    in deviations of the features, summed over frames.

    Args:
        encoder_size: Size of an encoded frame.
        feature_size: Size of a frame of features.
        deviations: Standard deviation of each number over the training set, [F], as the model
            normalises its input; None for those of each utterance.
    """

    deviations: Tensor | None

    def __init__(
        self, encoder_size: int, feature_size: int, deviations: Tensor | None = None
    ) -> None:
        super().__init__()
        self.gains = torch.nn.Linear(encoder_size, feature_size)
        self.espnet_initialization_fn()
        self.register_buffer("deviations", deviations, persistent=False)

    def espnet_initialization_fn(self) -> None:
        """Set the layer to zeros; ESPnet calls this after `init: xavier_uniform`."""
        torch.nn.init.zeros_(self.gains.weight)
        torch.nn.init.zeros_(self.gains.bias)

    def compare(
        self, enhanced: Tensor, clean: Tensor, noisy: Tensor, lengths: Tensor
    ) -> Comparison:
        """Return squared errors over frames, and the gain in log-spectral distance."""
        inside = torch.arange(noisy.size(1), device=noisy.device) < lengths.unsqueeze(1)
        errors = ((enhanced - clean) / self._scales(noisy, lengths)).square().mean(dim=-1)
        left = log_spectral_distances(enhanced.detach(), clean)
        gains = log_spectral_distances(noisy, clean) - left
        return Comparison(errors[inside].sum(), lengths.sum(), gains[inside].mean())

    def enhance(
        self, encoded: Tensor, frame_lengths: Tensor, speech: Tensor, lengths: Tensor
    ) -> Tensor:
        """Return enhanced features, [B, T, F]; see `EnhancingHead.enhance`."""
        gains = spread(self.gains(encoded), frame_lengths, lengths, speech.size(1))
        return speech + self._scales(speech, lengths) * gains.to(speech.dtype)

    def _scales(self, speech: Tensor, lengths: Tensor) -> Tensor:
        """Return the size of a gain of 1, [F] or [B, 1, F]."""
        if self.deviations is not None:
            return self.deviations.to(speech)
        return deviations_over_frames(speech, lengths, LEAST_DEVIATION)
