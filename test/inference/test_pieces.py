"""Pieces of a recording that a model decodes one by one."""

import numpy as np
import pytest
import torch
from espnet2.legacy.nets.pytorch_backend.transformer.subsampling import (
    Conv2dSubsampling8,
    check_short_utt,
)

from espnet_soups.data.features import FeatureConfig, extract_features
from espnet_soups.inference.pieces import cut_recording

RATE = 8000


class Prepared:
    """What a model of features with 40 ms to a frame takes of samples."""

    def prepare(self, samples: np.ndarray, rate: int) -> torch.Tensor:
        return torch.from_numpy(extract_features(samples, FeatureConfig("fbank", rate, 20, 4)))


def noise(seconds: float) -> np.ndarray:
    samples = 0.1 * np.random.default_rng(0).normal(size=int(seconds * RATE))
    return samples.astype(np.float32)


def cut(samples: np.ndarray, longest: float = 3.0):
    return cut_recording(Prepared(), samples, RATE, longest, "talk.wav")  # type: ignore[arg-type]


@pytest.mark.parametrize("behind", [0.0, 0.4])
def test_a_click_after_a_pause_is_a_piece_that_every_encoder_takes(behind: float):
    silence = np.zeros(RATE, np.float32)
    samples = np.concatenate([noise(2.0), silence, noise(0.05), silence[: int(behind * RATE)]])
    pieces = cut(samples, longest=2.5)
    encoder = Conv2dSubsampling8(80, 4, 0.0)
    assert len(pieces.times) == 2
    assert [check_short_utt(encoder, len(speech))[0] for speech in pieces.prepared] == [False] * 2
    start, end = pieces.times[1]
    assert end - start < 0.4
    assert end <= len(samples) / RATE


def test_a_click_in_a_long_silence_is_such_a_piece_too():
    silence = np.zeros(2 * RATE, np.float32)
    pieces = cut(np.concatenate([silence, noise(0.05), silence]))
    assert [len(speech) >= 15 for speech in pieces.prepared] == [True]


def test_pieces_of_usual_length_and_whole_recordings_stay_as_they_are():
    silence = np.zeros(RATE, np.float32)
    pieces = cut(np.concatenate([noise(2.0), silence, noise(1.0)]))
    for (start, end), speech in zip(pieces.times, pieces.prepared, strict=True):
        assert len(speech) == pytest.approx((end - start) / 0.04, abs=1)
    (whole,) = cut(noise(0.2)).prepared
    assert len(whole) == pytest.approx(5, abs=1)
