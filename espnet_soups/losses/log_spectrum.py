"""Distance between log spectra, and their spread over time."""

import math

import torch
from torch import Tensor

DB_PER_NEPER = 10.0 / math.log(10.0)  # of natural logarithms of power, as filterbanks are


def log_spectral_distances(estimates: Tensor, references: Tensor) -> Tensor:
    """Return the log-spectral distance of each frame, dB, [B, T].

    Args:
        estimates: Natural logarithms of power, [B, T, F].
        references: The log power of the clean speech, [B, T, F].

    >>> distances = log_spectral_distances(torch.zeros(1, 1, 4), torch.ones(1, 1, 4))
    >>> [round(float(distance), 2) for distance in distances]
    [4.34]
    """
    return DB_PER_NEPER * (estimates - references).square().mean(dim=-1).sqrt()


def deviations_over_frames(features: Tensor, lengths: Tensor, least: float) -> Tensor:
    """Return the standard deviation of each bin over the frames of an utterance, [B, 1, F].

    Args:
        features: Features, [B, T, F].
        lengths: Frames of each utterance, [B].
        least: Lower limit of the deviations.
    """
    inside = torch.arange(features.size(1), device=features.device) < lengths.unsqueeze(1)
    weights = inside.unsqueeze(-1) / lengths.view(-1, 1, 1)
    means = (features * weights).sum(dim=1, keepdim=True)
    variances = ((features - means).square() * weights).sum(dim=1, keepdim=True)
    return variances.sqrt().clamp(min=least)
