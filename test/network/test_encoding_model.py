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
    """Return ESPnet's normalisation with means of 3 and deviations of 2."""
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


def test_self_supervision_reads_features_that_were_normalised_once(normalize):
    batch, read = make_toy_batch(), []
    model = make_toy_model(ssl="cpc", ssl_conf=dict(CPC), encoding="pooled").train()
    model.normalize = normalize.double()
    model.specaug = SpecAug(apply_time_warp=False, time_mask_width_range=[2, 4])
    model.heads["ssl"].register_forward_pre_hook(lambda _, inputs: read.append(inputs[0].clone()))
    speech, lengths = batch["speech"].clone(), batch["speech_lengths"]
    model(**batch)[0].backward()  # recognition read the same mini-batch before
    (feats,) = read
    assert len(feats) == len(speech)
    for row, length in enumerate(lengths.tolist()):
        torch.testing.assert_close(feats[row, :length], (speech[row, :length] - 3.0) / 2.0)
