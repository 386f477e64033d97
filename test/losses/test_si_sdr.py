"""SI-SDR against its definition, and against ESPnet's loss where its package is there."""

import numpy as np
import pytest
import torch

from espnet_soups.losses.si_sdr import si_sdr
from espnet_soups.objectives.metrics.enhancement_gain import distortion_ratio


def signals(seed=0, size=500, rows=3):
    generator = torch.Generator().manual_seed(seed)
    clean = torch.randn(rows, size, generator=generator, dtype=torch.float64)
    noise = torch.randn(rows, size, generator=generator, dtype=torch.float64)
    scales = torch.tensor([0.1, 1.0, 3.0], dtype=torch.float64)[:rows].unsqueeze(1)
    return clean, 2.0 * clean + scales * noise + 0.3


def by_least_squares(estimate, reference):
    """Fit the reference to the estimate; what is left over is distortion."""
    estimate, reference = (
        np.asarray(item) - np.mean(np.asarray(item)) for item in (estimate, reference)
    )
    (scale,), *_ = np.linalg.lstsq(reference[:, None], estimate, rcond=None)
    target = scale * reference
    return 10.0 * np.log10(np.sum(target**2) / np.sum((estimate - target) ** 2))


def test_it_is_the_ratio_of_what_can_be_fitted_to_what_cannot():
    clean, noisy = signals()
    lengths = torch.tensor([500, 320, 77])
    found = si_sdr(noisy, clean, lengths)
    for row, length in enumerate(lengths.tolist()):
        one = noisy[row, :length], clean[row, :length]
        assert float(found[row]) == pytest.approx(by_least_squares(*one), abs=1e-4)
        measured, count = distortion_ratio(*(item.numpy() for item in one))
        assert (measured, count) == (pytest.approx(by_least_squares(*one), abs=1e-4), 1)


def test_neither_scale_nor_padding_counts():
    clean, noisy = signals()
    lengths = torch.tensor([500, 320, 77])
    padded = noisy.clone()
    padded[1, 320:] = 7.0
    torch.testing.assert_close(si_sdr(-5.0 * padded, clean, lengths), si_sdr(noisy, clean, lengths))


def test_it_is_the_negative_of_espnets_loss():
    pytest.importorskip("fast_bss_eval", reason="ESPnet's loss needs it")
    from espnet2.enh.loss.criterions.time_domain import SISNRLoss

    clean, noisy = signals()
    noisy.requires_grad_(True)
    expected = SISNRLoss()(clean, noisy)
    found = si_sdr(noisy, clean, torch.full((3,), 500))
    torch.testing.assert_close(-found, expected, rtol=1e-5, atol=1e-5)
    gradients = [torch.autograd.grad(item.sum(), noisy)[0] for item in (-found, expected)]
    torch.testing.assert_close(*gradients, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("silent", ["clean", "noisy", "neither"])
def test_silence_and_a_perfect_estimate_are_numbers_without_a_harmful_gradient(silent):
    clean, _ = signals(rows=1)
    estimate = clean.clone()
    if silent == "clean":
        clean = torch.zeros_like(clean)
    if silent == "noisy":
        estimate = torch.zeros_like(clean)
    estimate.requires_grad_(True)
    ratio = si_sdr(estimate.float(), clean.float(), torch.tensor([500]))
    ratio.sum().backward()
    assert abs(float(ratio.detach())) < 90.0
    assert torch.isfinite(estimate.grad).all()
