"""The frontend of `feats_type: raw`, against the features of `feats_type: fbank`."""

import numpy as np
import pytest
import torch

from espnet_soups.backbone.kaldi_fbank import KaldiFbankFrontend
from espnet_soups.data.features import FeatureConfig, extract_features, fill_frame


@pytest.mark.parametrize(("fs", "stack"), [(8000, 4), (16000, 1), (16000, 3)])
def test_a_mini_batch_has_the_features_of_each_utterance_alone(fs, stack):
    config = FeatureConfig("fbank", fs, 20, stack)
    random = np.random.default_rng(0)
    waves = [
        random.uniform(-0.5, 0.5, int(seconds * fs)).astype(np.float32)
        for seconds in (4.5, 0.01, 0.333, 0.0251, 0.2)
    ]
    batch = torch.full((len(waves), 5 * fs), np.nan)  # padding must not be read
    for row, wave in zip(batch, waves, strict=True):
        row[: len(wave)] = torch.from_numpy(wave)
    frontend = KaldiFbankFrontend(fs, 20, stack)
    feats, lengths = frontend(batch, torch.tensor([len(wave) for wave in waves]))
    assert feats.size(2) == frontend.output_size() == 20 * stack
    for row, length, wave in zip(feats, lengths.tolist(), waves, strict=True):
        expected = extract_features(fill_frame(wave, config), config)
        assert length == len(expected)
        np.testing.assert_allclose(row[:length], expected, rtol=1e-5, atol=1e-4)
        assert not row[length:].any()


def test_a_mini_batch_shorter_than_a_frame_is_filled_up():
    feats, lengths = KaldiFbankFrontend(8000, 20, 4)(torch.zeros(1, 50), torch.tensor([50]))
    assert (feats.shape, lengths.tolist()) == ((1, 1, 80), [1])


def test_a_rate_without_whole_shifts_is_refused():
    with pytest.raises(ValueError, match="needs a whole number of samples in 10 ms"):
        KaldiFbankFrontend(22050)  # 220.5 samples


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_a_gpu_makes_the_same_features():
    samples = torch.from_numpy(np.random.default_rng(0).uniform(-0.5, 0.5, (3, 40000))).float()
    lengths = torch.tensor([40000, 300, 16000])
    frontend = KaldiFbankFrontend(16000, 80, 4)
    expected, frames = frontend(samples, lengths)
    found, counted = frontend.cuda()(samples.cuda(), lengths.cuda())
    torch.testing.assert_close(found.cpu(), expected, rtol=1e-3, atol=1e-3)
    assert counted.tolist() == frames.tolist()
