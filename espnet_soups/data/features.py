"""Filterbank features with stacked frames, for encoders with a linear input layer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from espnet_soups.settings import read_settings

FRAME_SHIFT_MS = 10
FRAME_LENGTH_MS = 25


@dataclass(frozen=True)
class FeatureConfig:
    """How features are made.

    Attributes:
        type: `fbank` (features on disk) or `raw` (samples; the model has a frontend).
        fs: Sampling rate, Hz.
        num_mel_bins: Filters of the bank.
        stack: Neighbouring frames that are put into one; 4 makes frames of 40 ms. ESPnet has no
            layer for it, and a strided convolution costs more on a CPU than a small encoder.
    """

    type: str = "fbank"
    fs: int = 16000
    num_mel_bins: int = 80
    stack: int = 4

    def __post_init__(self) -> None:
        """Refuse what cannot be extracted.

        Raises:
            ValueError: If the type is unknown or a number is not positive.
        """
        if self.type not in ("fbank", "raw"):
            raise ValueError(f"`feats_type` must be fbank or raw, but got {self.type!r}.")
        for name in ("fs", "num_mel_bins", "stack"):
            if getattr(self, name) < 1:
                raise ValueError(f"`{name}` must be 1 or more, but got {getattr(self, name)}.")

    @property
    def frame_seconds(self) -> float:
        """Return the seconds from one (stacked) frame to the next."""
        return FRAME_SHIFT_MS * self.stack / 1000


def read_feature_config(options: Mapping[str, Any]) -> FeatureConfig:
    """Read `feats_conf` of a training configuration.

    Raises:
        ValueError: If a key is unknown or a value not valid.
    """
    return read_settings("`feats_conf`", FeatureConfig, options, within="{error}")


def extract_features(waveform: np.ndarray, config: FeatureConfig) -> np.ndarray:
    """Extract log mel filterbank features, Kaldi-compatible but without dither.

    Args:
        waveform: Samples in [-1, 1], [samples].
        config: How; of type `fbank`.

    Returns:
        Stacked frames, float32, [T, num_mel_bins * stack], see `stack_frames`; the last frame is
        repeated where the stack is not full.

    Raises:
        ValueError: If the waveform is shorter than one frame (25 ms).
    """
    import torch
    from torchaudio.compliance import kaldi

    shortest = shortest_of(config)
    if waveform.ndim != 1 or len(waveform) < shortest:
        raise ValueError(
            f"A waveform of at least {shortest} samples (one frame of {FRAME_LENGTH_MS} ms, one"
            f" channel) is expected, but got shape {waveform.shape}."
        )
    samples = torch.from_numpy(np.asarray(waveform, dtype=np.float32)).unsqueeze(0)
    frames = kaldi.fbank(
        samples * 32768.0,  # Kaldi reads 16-bit integers
        num_mel_bins=config.num_mel_bins,
        sample_frequency=float(config.fs),
        frame_length=float(FRAME_LENGTH_MS),
        frame_shift=float(FRAME_SHIFT_MS),
        dither=0.0,
    ).numpy()
    return stack_frames(frames, config.stack)


def shortest_of(config: FeatureConfig) -> int:
    """Return the samples of one frame of 25 ms."""
    return config.fs * FRAME_LENGTH_MS // 1000


def fill_frame(waveform: np.ndarray, config: FeatureConfig) -> np.ndarray:
    """Return a waveform with silence behind it where it is shorter than one frame.

    A clip of 10 ms is a frame to stage 3; whether it is trained on is for the length filter.
    """
    missing = shortest_of(config) - len(waveform)
    return np.pad(waveform, (0, missing)) if missing > 0 else waveform


def stack_frames(frames: np.ndarray, stack: int) -> np.ndarray:
    """Put `stack` neighbouring frames into one: [T, D] -> [ceil(T / stack), D * stack].

    The values of one mel bin stand together, so that SpecAugment's frequency mask (neighbouring
    dimensions) hides a band of frequencies in all of the stacked frames, not one of the frames.

    >>> stack_frames(np.array([[1, 10], [2, 20], [3, 30]]), 2).tolist()
    [[1, 2, 10, 20], [3, 3, 30, 30]]
    """
    missing = -len(frames) % stack
    padded = np.concatenate([frames, np.repeat(frames[-1:], missing, axis=0)])
    grouped = padded.reshape(len(padded) // stack, stack, frames.shape[1])
    return grouped.transpose(0, 2, 1).reshape(len(grouped), -1)
