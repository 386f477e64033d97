"""Filterbank features against a plain numpy computation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from espnet_soups.data.features import (
    FeatureConfig,
    extract_features,
    read_feature_config,
    stack_frames,
)


def plain_fbank(samples: np.ndarray, fs: int, bins: int) -> np.ndarray:
    """Log mel energies as Kaldi defines them, one frame at a time."""
    length, shift = fs * 25 // 1000, fs * 10 // 1000
    padded = 1 << (length - 1).bit_length()
    window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / (length - 1))) ** 0.85

    def mel(hertz):
        return 1127.0 * np.log(1.0 + hertz / 700.0)

    edges = np.linspace(mel(20.0), mel(fs / 2), bins + 2)
    frequencies = mel(np.arange(padded // 2) * fs / padded)
    rows = []
    for start in range(0, len(samples) - length + 1, shift):
        frame = samples[start : start + length].astype(np.float64) * 32768
        frame = frame - frame.mean()
        frame = frame - 0.97 * np.concatenate([frame[:1], frame[:-1]])
        power = np.abs(np.fft.rfft(frame * window, padded)[:-1]) ** 2
        row = []
        for low, middle, high in zip(edges, edges[1:], edges[2:], strict=False):
            up = (frequencies - low) / (middle - low)
            down = (high - frequencies) / (high - middle)
            row.append(np.sum(power * np.maximum(0, np.minimum(up, down))))
        rows.append(np.log(np.maximum(row, np.finfo(np.float32).eps)))
    return np.array(rows)


@pytest.mark.parametrize(("fs", "bins"), [(8000, 40), (16000, 80)])
def test_features_agree_with_the_definition(fs, bins):
    samples = (0.1 * np.random.default_rng(0).normal(size=fs // 2)).astype(np.float32)
    expected = plain_fbank(samples, fs, bins)
    found = extract_features(samples, FeatureConfig("fbank", fs, bins, stack=1))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=2e-3)  # float32 powers of 16-bit samples


@given(frames=st.integers(1, 30), stack=st.integers(1, 6))
def test_stacking_keeps_every_frame_and_repeats_only_the_last(frames, stack):
    values = np.arange(frames * 2, dtype=np.float32).reshape(frames, 2)
    stacked = stack_frames(values, stack)
    flat = np.stack([stacked[:, :stack].ravel(), stacked[:, stack:].ravel()], axis=1)  # bin by bin
    assert len(flat) == -(-frames // stack) * stack
    np.testing.assert_array_equal(flat[:frames], values)
    assert (flat[frames:] == values[-1]).all()


def test_a_waveform_shorter_than_a_frame_is_refused():
    with pytest.raises(ValueError, match="at least 200 samples"):
        extract_features(np.zeros(199, dtype=np.float32), FeatureConfig(fs=8000))


def test_unknown_settings_are_refused():
    with pytest.raises(ValueError, match="`feats_conf` has no 'mels'"):
        read_feature_config({"mels": 80})
    with pytest.raises(ValueError, match="`stack` must be 1 or more"):
        FeatureConfig(stack=0)
    with pytest.raises(ValueError, match="`feats_type` must be fbank or raw"):
        FeatureConfig(type="mfcc")
