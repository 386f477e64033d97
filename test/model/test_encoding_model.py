"""What the encoder reads, made of speech that others read too."""

import numpy as np
import pytest
import torch
from espnet2.asr.specaug.specaug import SpecAug
from espnet2.layers.global_mvn import GlobalMVN

from espnet_soups.testing.toy_model import DIMENSION, make_toy_batch, make_toy_model

CPC = {"context_frames": 8, "future_frames": 4, "min_context_frames": 4, "hidden_size": 8}


@pytest.fixture
def normalize(tmp_path):
    """Gives ESPnet's normalisation with means of 3 and deviations of 2."""
    count = np.array(10.0)
    statistics = {"count": count, "sum": np.full(DIMENSION, 30.0)}
    statistics["sum_square"] = np.full(DIMENSION, 10 * (3.0**2 + 2.0**2))
    np.savez(tmp_path / "feats_stats.npz", **statistics)
    return GlobalMVN(str(tmp_path / "feats_stats.npz"))


@pytest.mark.parametrize("training", [True, False])
def test_features_leave_the_speech_as_it_was(normalize, training):
    model = make_toy_model().train(training)
    model.normalize = normalize
    model.specaug = SpecAug(apply_time_warp=False, time_mask_width_range=[2, 4])
    speech, lengths = torch.randn(2, 12, DIMENSION), torch.tensor([12, 10])
    before = speech.clone()
    model.features(speech, lengths)
    torch.testing.assert_close(speech, before, rtol=0, atol=0)
    feats, _ = model.features(speech, lengths, augment=False)
    torch.testing.assert_close(feats[0], (before[0] - 3.0) / 2.0)


def test_self_supervision_reads_what_pooled_recognition_read(normalize):
    batch, losses = make_toy_batch(), {}
    for encoding in ("per_language", "pooled"):
        model = make_toy_model(ssl="cpc", ssl_conf=dict(CPC), encoding=encoding).train()
        model.normalize = normalize.double()
        torch.manual_seed(0)
        loss, stats, _ = model(**{name: value.clone() for name, value in batch.items()})
        loss.backward()
        losses[encoding] = {name: value for name, value in stats.items() if "ssl" in name}
    assert losses["pooled"]
    for name, value in losses["per_language"].items():  # positions are encoded in float32
        torch.testing.assert_close(losses["pooled"][name], value, rtol=1e-5, atol=0)
