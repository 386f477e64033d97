"""Extract filterbank features with stacked frames, for encoders with a linear input layer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from espnet_soups.settings import read_settings

FRAME_SHIFT_MS = 10
FRAME_LENGTH_MS = 25
FULL_SCALE = 32768.0  # Kaldi reads 16-bit integers


@dataclass(frozen=True)
class FeatureConfig:
    """Settings of the features.

    Attributes:
        type: `fbank` (features on disk) or `raw` (samples; the model has a frontend).
        fs: Sampling rate, Hz.
        num_mel_bins: Number of mel filters.
        stack: Number of neighbouring frames that become one; 4 makes frames of 40 ms. ESPnet has no
            layer for it, and a strided convolution costs more on a CPU than a small encoder.
    """

    type: str = "fbank"
    fs: int = 16000
    num_mel_bins: int = 80
    stack: int = 4

    def __post_init__(self) -> None:
        """Refuse settings that cannot be used.

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
        """Seconds from one (stacked) frame to the next."""
        return FRAME_SHIFT_MS * self.stack / 1000


def read_feature_config(options: Mapping[str, Any]) -> FeatureConfig:
    """Read `feats_conf` of a training configuration.

    Args:
        options: The settings, by name.

    Raises:
        ValueError: If a key is unknown or a value not valid.
    """
    return read_settings("`feats_conf`", FeatureConfig, options, within="{error}")


def features_of(options: Mapping[str, Any]) -> FeatureConfig | None:
    """Return the settings of the features in training; None: the configuration does not say.

    Args:
        options: The options of the training, by name.

    Raises:
        ValueError: If a key of `feats_conf` is unknown or a value not valid.

    >>> features_of({"input_size": None, "frontend_conf": {"fs": 8000}}).fs
    8000
    """
    if options.get("feats_conf"):
        return read_feature_config(options["feats_conf"])
    frontend = options.get("frontend_conf") or {}
    if options["input_size"] is None and isinstance(frontend.get("fs"), int):
        return FeatureConfig(type="raw", fs=frontend["fs"])
    return None


def extract_features(waveform: np.ndarray, config: FeatureConfig) -> np.ndarray:
    """Extract log mel filterbank features, Kaldi-compatible but without dither.

    Args:
        waveform: Samples in [-1, 1], `(samples,)`.
        config: The settings, of type `fbank`.

    Returns:
        Stacked frames, float32, `(frames, num_mel_bins * stack)`, see `stack_frames`; the last
        frame is repeated if the last stack is not full.

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
        samples * FULL_SCALE,
        num_mel_bins=config.num_mel_bins,
        sample_frequency=float(config.fs),
        frame_length=float(FRAME_LENGTH_MS),
        frame_shift=float(FRAME_SHIFT_MS),
        dither=0.0,
    ).numpy()
    return stack_frames(frames, config.stack)


def shortest_of(config: FeatureConfig) -> int:
    """Return the number of samples of one frame of 25 ms.

    Args:
        config: The settings.
    """
    return config.fs * FRAME_LENGTH_MS // 1000


def fill_frame(waveform: np.ndarray, config: FeatureConfig) -> np.ndarray:
    """Return a waveform, padded with silence at its end if it is shorter than one frame.

    Stage 3 thus makes a frame of a clip of 10 ms; the length filter decides whether to train on it.

    Args:
        waveform: The samples, `(samples,)`.
        config: The settings.
    """
    missing = shortest_of(config) - len(waveform)
    return np.pad(waveform, (0, missing)) if missing > 0 else waveform


def stack_frames(frames: np.ndarray, stack: int) -> np.ndarray:
    """Stack neighbouring frames: `(frames, width)` becomes `(ceil(frames / stack), width * stack)`.

    The values of one mel bin stand together, so that SpecAugment's frequency mask (neighbouring
    dimensions) hides a band of frequencies in all of the stacked frames, not one of the frames.

    Args:
        frames: The frames, `(frames, width)`, at least one; the last is repeated if the last stack
            is not full.
        stack: Number of frames per stack.

    >>> stack_frames(np.array([[1, 10], [2, 20], [3, 30]]), 2).tolist()
    [[1, 2, 10, 20], [3, 3, 30, 30]]
    """
    missing = -len(frames) % stack
    padded = np.concatenate([frames, np.repeat(frames[-1:], missing, axis=0)])
    grouped = padded.reshape(len(padded) // stack, stack, frames.shape[1])
    return grouped.transpose(0, 2, 1).reshape(len(grouped), -1)
