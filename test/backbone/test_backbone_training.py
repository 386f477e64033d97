"""Soups on both backbones: real steps, a real run, and decoding without the hub."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
import yaml
from safetensors.torch import load_file
from tiny_backbones import WHISPER

TOKENS = ["<blank>", "<unk>", *"abcd", "<sos/eos>"]
DECODER = {"attention_heads": 2, "linear_units": 16, "num_blocks": 1}
TINY = Path(__file__).parents[2] / "egs2/covost2/msp1/conf/tuning/train_msp_wav2vec2_tiny.yaml"


def write_corpus(root):
    """Two languages; each letter is a tone of 60 ms at 16 kHz."""
    random = np.random.default_rng(0)
    for name in ("train", "valid"):
        folder = root / name
        folder.mkdir()
        rows = {file: [] for file in ("wav.scp", "text", "text.en", "utt2lang", "speech_shape")}
        for language in ("en", "fr"):
            for number in range(4):
                key = f"{language}-{number}"
                text = "".join(random.choice(list("abcd"), 2 + number % 2))
                time = np.arange(960) / 16000
                tones = [np.sin(2 * np.pi * (300 + 400 * "abcd".index(c)) * time) for c in text]
                soundfile.write(folder / f"{key}.wav", 0.3 * np.concatenate(tones), 16000)
                rows["wav.scp"].append(f"{key} {folder}/{key}.wav")
                rows["text"].append(f"{key} {text}")
                rows["text.en"].append(f"{key} {text[::-1] if language == 'fr' else '<na>'}")
                rows["utt2lang"].append(f"{key} {language}")
                rows["speech_shape"].append(f"{key} {960 * len(text)}")
        for file, lines in rows.items():
            (folder / file).write_text("\n".join(lines) + "\n")
    (root / "tokens.txt").write_text("\n".join(TOKENS) + "\n")


def data_options(root):
    words = ["--num_workers", "0", "--st_pairs", "fr_en", "--ngpu", "0"]
    for name in ("train", "valid"):
        for file, key, kind in (
            ("wav.scp", "speech", "sound"),
            ("utt2lang", "lang", "text"),
            ("text", "text", "text"),
            ("text.en", "text_en", "text"),
        ):
            words += [f"--{name}_data_path_and_name_and_type", f"{root}/{name}/{file},{key},{kind}"]
        words += [f"--{name}_shape_file", f"{root}/{name}/speech_shape"]
    for language in ("en", "fr"):
        words += ["--asr_token_list", f"{language}={root}/tokens.txt"]
    words += ["--st_token_list", f"en={root}/tokens.txt"]
    return [*words, "--feats_conf", "type=raw", "--feats_conf", "fs=16000"]


@pytest.fixture(scope="module")
def run(tmp_path_factory, wav2vec2_folder):
    """One epoch of a soup on a "pretrained" model, whose folder is gone afterwards."""
    from espnet_soups.bin.msp_train import main

    root = tmp_path_factory.mktemp("run")
    write_corpus(root)
    hub = root / "hub"
    shutil.copytree(wav2vec2_folder, hub)
    words = ["--config", str(TINY), *data_options(root), "--encoder_conf", f"model={hub}"]
    main([*words, "--output_dir", str(root / "exp"), "--use_tensorboard", "false"])
    before = {
        f"encoder.model.{name}": value
        for name, value in load_file(hub / "model.safetensors").items()
    }
    shutil.rmtree(hub)
    return root, before


def test_a_run_starts_from_the_pretrained_weights_and_leaves_frozen_ones_alone(run):
    root, before = run
    after = torch.load(root / "exp" / "1epoch.pth", weights_only=True)
    frozen = [name for name in before if ".feature_extractor." in name]
    layers = [name for name in before if ".layers.2." in name]
    assert len(frozen) > 5
    assert len(layers) > 10
    assert all(torch.equal(after[name], before[name]) for name in frozen)
    close = [(after[name] - before[name]).abs().max() for name in layers]
    assert 0 < max(close) < 0.3  # a few steps of 0.001 each
    record = (root / "exp" / "soup.jsonl").read_text().splitlines()
    assert len(record) == 1


def test_a_waveform_is_decoded_without_the_model_that_training_started_from(run, caplog):
    from espnet_soups import Speech2Text

    root, _ = run
    options = yaml.safe_load((root / "exp" / "config.yaml").read_text())
    assert options["encoder_conf"]["architecture"]["hidden_size"] == 16
    speech2text = Speech2Text.from_pretrained(root / "exp", st_ctc_weight=0.0)
    samples, _ = soundfile.read(root / "valid" / "fr-0.wav", dtype="float32")
    result = speech2text(samples, lang="fr")
    assert isinstance(result.transcript.text, str)
    assert np.isfinite(result.translations["en"].score)
    assert isinstance(speech2text(samples[:50], lang="fr").transcript.text, str)
    assert "1 of 1 utterances are too short for the encoder, and were lengthened" in caplog.text


def test_export_to_stock_espnet_is_refused_by_the_name_of_the_class(run, tmp_path):
    from espnet_soups.inference.export import export_objective

    with pytest.raises(ValueError, match="`encoder: wav2vec2_hf` is a class of espnet-soups"):
        export_objective(run[0] / "exp", "asr_fr", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def make_batch():
    random = torch.Generator().manual_seed(0)
    batch = {
        "speech": 0.1 * torch.randn(4, 8000, generator=random),
        "speech_lengths": torch.tensor([8000, 6400, 7200, 4800]),
        "lang": torch.tensor([[0], [0], [1], [1]]),
    }
    labels = torch.tensor([[2, 3, -1], [4, 5, 2], [3, 2, -1], [5, 4, 2]])
    lengths = torch.tensor([2, 3, 2, 3])
    batch |= {"text": labels, "text_lengths": lengths}
    translated = labels.clone()
    translated[:2] = -1
    return batch | {"text_en": translated, "text_en_lengths": lengths}


def test_whisper_trains_recognition_translation_and_self_supervision_with_its_own_decoder():
    from espnet_soups.task.msp_task import MSPTask
    from espnet_soups.testing.toy_model import make_toy_arguments

    whisper = {**WHISPER, "max_source_positions": 200}
    args = make_toy_arguments(
        asr_token_list={"en": TOKENS, "fr": TOKENS},
        st_token_list={"en": TOKENS},
        st_pairs=["fr_en"],
        input_size=None,
        frontend="whisper_mel",
        frontend_conf={"n_mels": 8},
        encoder="whisper_hf",
        encoder_conf={"architecture": whisper, "freeze": "feature_extractor"},
        asr_ctc_weight=0.5,
        asr_decoder="whisper_hf",
        asr_decoder_conf={"architecture": whisper},
        st_decoder="whisper_hf",
        st_decoder_conf={"architecture": whisper},
        ssl="best_rq",
        ssl_conf={"mask_frames": 8, "codebook_size": 8, "codebook_dim": 4},
        trainer="msp",
        trainer_conf={"soup": "vs", "layers": "conflicting"},
    )
    args.required = []
    MSPTask.check_required_command_args(args)
    torch.manual_seed(0)
    model = MSPTask.build_model(args)
    optimizer = MSPTask.build_optimizers(args, model)[0]
    model.soup.open_epoch(1, 1, 1)
    frozen = model.encoder.model.conv1.weight.clone()
    moving = [model.encoder.model.layers[1].fc1.weight]
    moving += [model.heads["st_fr_en"].decoder.model.embed_tokens.weight]
    before = [value.clone() for value in moving]
    loss, stats, _ = model(**make_batch())
    loss.backward()
    optimizer.step()
    assert torch.isfinite(loss)
    assert stats["loss/ssl"] > 0
    assert torch.equal(model.encoder.model.conv1.weight, frozen)
    assert not any(torch.equal(old, new) for old, new in zip(before, moving, strict=True))
