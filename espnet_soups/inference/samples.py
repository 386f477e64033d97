"""Check speech from a user before it is decoded, and change its sampling rate."""

import numpy as np
import soxr
import torch

from espnet_soups.data.audio import check_scale

MONO = "samples must be mono, [samples]: of several channels take one, or their mean"


def check_speech(speech: np.ndarray | torch.Tensor, width: int | None) -> np.ndarray:
    """Return speech as an array.

    Args:
        speech: Samples in [-1, 1], `(samples,)`, or features, `(frames, width)`.
        width: Numbers per frame of features; None: the model takes samples.

    Returns:
        The array, of the same shape.

    Raises:
        ValueError: If it is empty, not finite, of the scale of integers, or of a wrong shape.
    """
    array = np.asarray(speech.cpu() if isinstance(speech, torch.Tensor) else speech)
    if array.size == 0:
        raise ValueError("The speech is empty.")
    if not np.issubdtype(array.dtype, np.floating):
        raise ValueError(
            f"Samples must be floating point numbers in [-1, 1], but are {array.dtype}; divide"
            " 16-bit integers by 32768."
        )
    if array.ndim != 1 and width is None:
        raise ValueError(f"Samples of shape [samples] are expected, but got {array.shape}; {MONO}.")
    if array.ndim != 1 and array.shape[1:] != (width,):
        raise ValueError(
            f"Features of shape [T, {width}] are expected, but got {array.shape}; {MONO}."
        )
    if not np.isfinite(array).all():
        raise ValueError("The speech holds NaN or infinite numbers.")
    if array.ndim == 1:
        check_scale(array, "The speech", "divide samples of 16-bit integers by 32768")
    return array


def change_rate(samples: np.ndarray, rate: float, wanted: int | None) -> np.ndarray:
    """Return samples at another rate.

    Args:
        samples: The samples, `(samples,)`.
        rate: Their sampling rate, Hz.
        wanted: The rate of the model, Hz; None: unknown.

    Raises:
        ValueError: If a rate is not positive, or unknown, or no sample is left.
    """
    if not rate > 0:
        raise ValueError(f"`rate` must be positive, in Hz, but got {rate!r}.")
    if wanted is None:
        raise ValueError(
            "The config.yaml does not say which sampling rate the model has (`feats_conf: fs`), so"
            " that samples cannot be brought to it: leave `rate` out and give samples at that rate."
        )
    if rate == wanted:
        return samples
    changed = np.asarray(soxr.resample(samples, rate, wanted))
    if len(changed) == 0:
        raise ValueError(
            f"The speech is too short: of its {len(samples)} samples of {rate:g} Hz none is left at"
            f" {wanted} Hz."
        )
    return changed
