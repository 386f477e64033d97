"""Whisper of CTranslate2 becomes a folder that transformers loads, with the same numbers."""

import json
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_backbones import WHISPER

from espnet_soups.backbone.convert_whisper import convert_whisper
from espnet_soups.backbone.ctranslate2 import read_model

RECIPE = Path(__file__).parents[2] / "egs2/asterisk/msp1"
PUBLISHED = RECIPE / "downloads/whisper/tiny_en"
PROMPT = RECIPE / "downloads/en"
SPECIAL = ("<|endoftext|>", "<|startoftranscript|>", "<|startofprev|>", "<|notimestamps|>")
FLOAT32, INT8, INT16 = 0, 1, 2
NUMBERS = {"float16": (4, np.float16), "float32": (FLOAT32, np.float32)}


@pytest.fixture(scope="module")
def whisper():
    """A model of random weights, all of which float16 holds exactly."""
    import transformers

    torch.manual_seed(0)
    config = transformers.WhisperConfig(**WHISPER)
    model = transformers.WhisperForConditionalGeneration(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            torch.nn.init.normal_(parameter, std=0.3).copy_(parameter.half().float())
    return model


def layers_of(model):
    """The tensors under CTranslate2's names, as its converter fuses projections."""
    found = {}

    def put(name, module):
        names = {"LayerNorm": ("gamma", "beta")}.get(type(module).__name__, ("weight", "bias"))
        for part, tensor in zip(names, (module.weight, module.bias), strict=True):
            found[f"{name}/{part}"] = tensor

    def fuse(name, projections):
        biases = [
            torch.zeros(len(one.weight)) if one.bias is None else one.bias for one in projections
        ]
        found[f"{name}/weight"] = torch.cat([one.weight for one in projections])
        found[f"{name}/bias"] = torch.cat(biases)

    for side in ("encoder", "decoder"):
        part = getattr(model.model, side)
        found[f"{side}/position_encodings/encodings"] = part.embed_positions.weight
        put(f"{side}/layer_norm", part.layer_norm)
        for number, layer in enumerate(part.layers):
            name = f"{side}/layer_{number}"
            own = layer.self_attn
            fuse(f"{name}/self_attention/linear_0", [own.q_proj, own.k_proj, own.v_proj])
            put(f"{name}/self_attention/linear_1", own.out_proj)
            put(f"{name}/self_attention/layer_norm", layer.self_attn_layer_norm)
            put(f"{name}/ffn/layer_norm", layer.final_layer_norm)
            put(f"{name}/ffn/linear_0", layer.fc1)
            put(f"{name}/ffn/linear_1", layer.fc2)
            if side == "decoder":
                cross = layer.encoder_attn
                put(f"{name}/attention/linear_0", cross.q_proj)
                fuse(f"{name}/attention/linear_1", [cross.k_proj, cross.v_proj])
                put(f"{name}/attention/linear_2", cross.out_proj)
                put(f"{name}/attention/layer_norm", layer.encoder_attn_layer_norm)
    put("encoder/conv1", model.model.encoder.conv1)
    put("encoder/conv2", model.model.encoder.conv2)
    found["decoder/embeddings/weight"] = model.model.decoder.embed_tokens.weight
    return {name: tensor.detach().numpy() for name, tensor in found.items()}


def name_of(text):
    raw = text.encode() + b"\0"
    return struct.pack("<H", len(raw)) + raw


def write_model(path, tensors, number=6, kind="WhisperSpec", numbers="float16"):
    """Write the format, from its documentation in CTranslate2's own writer."""
    stored, dtype = NUMBERS[numbers]
    entries = [(name, stored, value.astype(dtype)) for name, value in tensors.items()]
    heads = WHISPER["encoder_attention_heads"]
    entries += [
        (f"{s}/num_heads", INT16, np.array(heads, np.int16)) for s in ("encoder", "decoder")
    ]
    entries += [("decoder/pre_norm", INT8, np.array(1, np.int8))]
    content = struct.pack("<I", number) + name_of(kind) + struct.pack("<II", 3, len(entries))
    for name, stored, value in entries:
        sizes = struct.pack(f"<B{value.ndim}I", value.ndim, *value.shape)
        content += name_of(name) + sizes + struct.pack("<BI", stored, value.nbytes)
        content += value.tobytes()
    content += struct.pack("<I", 1)
    content += name_of("decoder/projection/weight") + name_of("decoder/embeddings/weight")
    path.write_bytes(content)


def write_folder(folder, model, **options):
    folder.mkdir(exist_ok=True)
    write_model(folder / "model.bin", layers_of(model), **options)
    suppressed = {"suppress_ids": [3], "suppress_ids_begin": [4, 2]}
    (folder / "config.json").write_text(json.dumps(suppressed))
    added = [{"id": number, "content": name} for number, name in enumerate(SPECIAL, 2)]
    (folder / "tokenizer.json").write_text(json.dumps({"added_tokens": added}))
    return folder


@pytest.mark.parametrize("numbers", NUMBERS)
def test_transformers_computes_the_same_from_the_converted_folder(tmp_path, whisper, numbers):
    import transformers

    folder = write_folder(tmp_path / "ct2", whisper, numbers=numbers)
    out = convert_whisper(folder, tmp_path / "hf")
    found = transformers.WhisperForConditionalGeneration.from_pretrained(out).eval()
    config = found.config
    for name, value in WHISPER.items():
        if not name.endswith("token_id") and name != "begin_suppress_tokens":
            assert getattr(config, name) == value, name
    assert (config.eos_token_id, config.decoder_start_token_id) == (2, 3)
    assert found.generation_config.suppress_tokens == [3]
    assert found.generation_config.begin_suppress_tokens == [4, 2]
    assert found.generation_config.no_timestamps_token_id == 5
    assert not found.generation_config.is_multilingual
    torch.manual_seed(1)
    given = {
        "input_features": torch.randn(2, 8, 100),
        "decoder_input_ids": torch.randint(0, 20, (2, 5)),
    }
    with torch.no_grad():
        assert torch.equal(found(**given).logits, whisper(**given).logits)


def test_our_encoder_and_decoder_start_from_the_converted_folder(tmp_path, whisper):
    from espnet_soups.backbone.whisper import WhisperEncoder
    from espnet_soups.backbone.whisper_decoder import WhisperDecoder

    out = convert_whisper(write_folder(tmp_path / "ct2", whisper), tmp_path / "hf")
    encoder = WhisperEncoder(8, str(out)).eval()
    decoder = WhisperDecoder(7, 16, str(out))
    feats = torch.randn(1, 100, 8)
    with torch.no_grad():
        encoded, frames, _ = encoder(feats, torch.tensor([100]))
        expected = whisper.model.encoder(feats.transpose(1, 2)).last_hidden_state
    assert frames.tolist() == [50]
    assert torch.allclose(encoded, expected, atol=1e-5)
    theirs = whisper.model.decoder.layers[1].encoder_attn.k_proj.weight
    assert torch.equal(decoder.model.layers[1].encoder_attn.k_proj.weight, theirs)


def test_files_that_are_no_whisper_are_refused_by_name(tmp_path, whisper):
    folder, out = write_folder(tmp_path / "ct2", whisper), tmp_path / "hf"
    path = folder / "model.bin"
    content, tensors = path.read_bytes(), layers_of(whisper)
    lacking = {
        name: v for name, v in tensors.items() if name != "encoder/layer_1/ffn/linear_0/bias"
    }
    for change, message in (
        (lambda: path.write_bytes(content[:-40]), "model.bin is cut short"),
        (lambda: path.write_bytes(b""), "model.bin is cut short"),
        (lambda: path.write_bytes(content + b"x"), "bytes behind its last tensor"),
        (lambda: write_model(path, tensors, number=5), "begins with the number 5.*version 6"),
        (lambda: write_model(path, tensors, kind="TransformerSpec"), "is a TransformerSpec"),
        (lambda: write_model(path, lacking), "lacks tensor encoder/layer_1/ffn/linear_0/bias"),
        (
            lambda: write_model(path, tensors | {"decoder/a/weight_scale": np.ones(2)}),
            "whole numbers instead of weights",
        ),
        (lambda: (folder / "tokenizer.json").unlink(), r"has no tokenizer\.json"),
    ):
        change()
        with pytest.raises((ValueError, FileNotFoundError), match=message):
            convert_whisper(folder, out)
        assert not out.exists()


def test_a_folder_with_something_in_it_is_not_overwritten(tmp_path, whisper):
    folder = write_folder(tmp_path / "ct2", whisper)
    with pytest.raises(FileExistsError, match="is not empty"):
        convert_whisper(folder, folder)
    assert read_model(folder / "model.bin").kind == "WhisperSpec"


@pytest.mark.skipif(
    not (PUBLISHED.is_dir() and PROMPT.is_dir()),
    reason="needs egs2/asterisk/msp1: ./run.sh --stop_stage 1, and local/whisper_tiny_en.sh",
)
def test_transformers_transcribes_a_real_prompt_with_the_published_weights():
    import soundfile
    import soxr
    import transformers

    (path,) = PROMPT.rglob("conf-now-recording.wav")
    samples, rate = soundfile.read(path, dtype="float32")
    samples = soxr.resample(samples, rate, 16000)
    extractor = transformers.WhisperFeatureExtractor.from_pretrained(PUBLISHED)
    tokenizer = transformers.AutoTokenizer.from_pretrained(PUBLISHED)
    model = transformers.WhisperForConditionalGeneration.from_pretrained(PUBLISHED).eval()
    given = extractor(samples, sampling_rate=16000, return_tensors="pt").input_features
    with torch.no_grad():
        ids = model.generate(given)[0]
    text = tokenizer.decode(ids, skip_special_tokens=True)
    assert text.strip() == "The conference is now being recorded."
