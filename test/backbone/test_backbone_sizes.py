"""Parameters of the backbones as published, and the configurations that name them."""

import json
from pathlib import Path

import pytest
import torch
import yaml

from espnet_soups.backbone.wav2vec2 import Wav2Vec2Encoder
from espnet_soups.backbone.whisper import WhisperEncoder
from tools.machine_plan.backbones import BACKBONES
from tools.machine_plan.parameters import main

TUNING = Path(__file__).parents[2] / "egs2" / "covost2" / "msp1" / "conf" / "tuning"
COVOST = "--asr_vocab en=502 fr=502 de=502 es=502 ca=502 --st_vocab en=1002"
COVOST += " --st_pairs fr_en de_en es_en ca_en"


@pytest.mark.parametrize(
    ("kind", "size", "name", "published"),
    [
        (Wav2Vec2Encoder, 1, "facebook/wav2vec2-xls-r-300m", 315_438_720),
        (WhisperEncoder, 80, "openai/whisper-small", 88_154_112),
        (WhisperEncoder, 80, "openai/whisper-medium", 307_216_384),
    ],
)
def test_a_backbone_has_the_parameters_of_the_published_model(kind, size, name, published):
    architecture = BACKBONES[name].architecture  # what plans for large machines reckon with
    with torch.device("meta"):
        encoder = kind(size, architecture=architecture)
    assert sum(parameter.numel() for parameter in encoder.parameters()) == published


def test_the_e_branchformer_has_the_size_of_the_conformer_of_83_million(capsys):
    path = TUNING / "train_msp_e_branchformer.yaml"
    main(["--config", str(path), "--json", *COVOST.split()])
    counts = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert counts["total"] / 1e6 == pytest.approx(83, rel=0.02)


@pytest.mark.parametrize(
    ("name", "frontend"),
    [("xlsr", "waveform"), ("whisper", "whisper_mel"), ("whisper_medium", "whisper_mel")],
)
def test_the_configurations_pass_every_check_that_needs_no_hub(name, frontend):
    from espnet_soups.task.msp_task import MSPTask

    words = ["--config", str(TUNING / f"train_msp_{name}.yaml"), "--output_dir", "unused"]
    words += ["--feats_conf", "type=raw", "--feats_conf", "fs=16000", "--st_pairs", "fr_en"]
    words += ["--asr_token_list", "fr=[a,b]", "--st_token_list", "en=[a,b]"]
    args = MSPTask.get_parser().parse_args(words)
    args.required = []
    MSPTask.check_required_command_args(args)
    assert args.frontend == frontend
    default = yaml.safe_load((TUNING / "train_msp_conformer_83m.yaml").read_text())["trainer_conf"]
    assert {**args.trainer_conf, "layers": default["layers"]} == default  # names of its own layers
