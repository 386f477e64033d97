"""Closeness of two waveforms, whatever their scale."""

import torch
from torch import Tensor

SMALLEST = 1e-20  # energy of an utterance that counts as silent
EPSILON = 1e-8  # keeps the ratio within 80 dB, where one signal is silent or both are the same


def si_sdr(estimates: Tensor, references: Tensor, lengths: Tensor) -> Tensor:
    """Return the scale-invariant signal-to-distortion ratio of each utterance, dB, [B].

    Means are subtracted first. ESPnet's `SISNRLoss` is its negative for utterances of one length;
    here padding counts for nothing, and silence gives a number without a gradient.

    Args:
        estimates: Samples, [B, S].
        references: The samples that they should be, [B, S].
        lengths: Samples of each utterance, [B].

    Source:
        Le Roux, Wisdom, Erdogan and Hershey, "SDR – half-baked or well done?" (arXiv 1811.02508),
        equation 3.

    >>> wave = torch.sin(torch.arange(100.0)).unsqueeze(0)
    >>> noise = torch.cos(torch.arange(100.0)).unsqueeze(0)
    >>> ratios = si_sdr(5.0 * (wave + 0.1 * noise), wave, torch.tensor([100]))
    >>> [round(float(ratio)) for ratio in ratios]
    [20]
    """
    estimates, references = (_centre(samples, lengths) for samples in (estimates, references))
    power = references.square().sum(dim=1).clamp(min=SMALLEST)
    scale = (estimates * references).sum(dim=1) / power
    target = scale.unsqueeze(1) * references
    floor = EPSILON * estimates.square().sum(dim=1) + SMALLEST
    kept = target.square().sum(dim=1) + floor
    lost = (estimates - target).square().sum(dim=1) + floor
    return 10.0 * (kept.log10() - lost.log10())


def _centre(samples: Tensor, lengths: Tensor) -> Tensor:
    """Return samples without their mean, zero behind their length."""
    inside = torch.arange(samples.size(1), device=samples.device) < lengths.unsqueeze(1)
    kept = samples * inside
    return (kept - kept.sum(dim=1, keepdim=True) / lengths.unsqueeze(1)) * inside
