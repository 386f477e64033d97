"""Models are had from a folder or from an architecture, and refused in one sentence."""

import shutil
import sys

import pytest
import torch
from tiny_backbones import WAV2VEC2, WHISPER, XLSR

from espnet_soups.backbone.hub import build_backbone, plain_architecture, read_architecture

KINDS = ("wav2vec2", "hubert", "wavlm")


def test_without_transformers_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ValueError, match=r"not installed: pip install 'espnet-soups\[hf\]'"):
        read_architecture(None, WAV2VEC2, KINDS)


@pytest.mark.parametrize(
    ("model", "architecture", "said"),
    [
        (None, None, "needs `model` .* or `architecture`"),
        (None, {"model_type": "bert"}, "`architecture` is of type 'bert', but must be one of"),
        (None, {"hiden_size": 3}, r"`architecture` has \['hiden_size'\], which Wav2Vec2Config"),
        (None, {"hidden_size": "many"}, "`architecture` is not valid: .*hidden_size"),
        ("nobody/nothing", None, "`model: nobody/nothing` is no folder with a model, nor in the"),
    ],
)
def test_what_cannot_be_built_is_refused_in_one_sentence(model, architecture, said):
    with pytest.raises(ValueError, match=said):
        read_architecture(model, architecture, KINDS)


def test_an_architecture_survives_yaml_whole():
    import yaml

    for kinds, settings in ((KINDS, {**WAV2VEC2, **XLSR}), (("whisper",), WHISPER)):
        config = read_architecture(None, settings, kinds)
        plain = plain_architecture(config)
        again = read_architecture(None, yaml.safe_load(yaml.safe_dump(plain)), kinds)
        assert plain_architecture(again) == plain
        assert all(plain[name] == value for name, value in settings.items() if value is not None)
        shapes = [
            {name: tensor.shape for name, tensor in build_backbone(None, c).state_dict().items()}
            for c in (config, again)
        ]
        assert shapes[0] == shapes[1]


def test_a_folder_gives_its_weights_and_one_without_some_is_refused(wav2vec2_folder, tmp_path):
    from safetensors.torch import load_file, save_file

    weights = load_file(wav2vec2_folder / "model.safetensors")
    config = read_architecture(str(wav2vec2_folder), {"layerdrop": 0.0}, KINDS)
    assert config.layerdrop == 0.0
    built = build_backbone(str(wav2vec2_folder), config)
    name = "encoder.layers.1.feed_forward.output_dense.weight"
    assert torch.equal(built.state_dict()[name], weights[name])
    assert built.dtype == torch.float32
    broken = tmp_path / "broken"
    shutil.copytree(wav2vec2_folder, broken)
    weights.pop(name)
    save_file(weights, broken / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ValueError, match=rf"weights of `model: .*broken` lack {name}: they are"):
        build_backbone(str(broken), config)
