"""Backbones of a few thousand random weights; nothing is looked up on the hub."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"  # before transformers is imported

import pytest
from tiny_backbones import WAV2VEC2, XLSR


@pytest.fixture(scope="session")
def wav2vec2_folder(tmp_path_factory):
    """A model as the hub gives it, which was trained on samples that are not normalised."""
    import torch
    import transformers

    folder = tmp_path_factory.mktemp("hub") / "tiny"
    torch.manual_seed(0)
    config = transformers.Wav2Vec2Config(**WAV2VEC2 | XLSR, layerdrop=0.1)
    transformers.Wav2Vec2Model(config).save_pretrained(folder)
    transformers.Wav2Vec2FeatureExtractor(do_normalize=False).save_pretrained(folder)
    return folder
