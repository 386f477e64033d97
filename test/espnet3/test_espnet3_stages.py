"""The entry `egs3/asterisk/msp`: its stages run those of egs2, and its settings are egs2's."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
ENTRY, EGS2 = ROOT / "egs3" / "asterisk" / "msp", ROOT / "egs2" / "asterisk" / "msp1"
SEEN = '#!/usr/bin/env bash\necho "$@" >>words\n[[ $2 != 12 ]]\n'


@pytest.mark.skipif(
    importlib.util.find_spec("lightning") is None,
    reason="needs pip install 'espnet-soups[espnet3]'",
)
def test_stages_run_those_of_egs2_and_end_when_one_fails(tmp_path: Path):
    recipe = tmp_path / "recipe"
    recipe.mkdir()
    (recipe / "run.sh").write_text(SEEN)
    (recipe / "run.sh").chmod(0o755)
    egs2 = {"folder": str(recipe), "options": "--nj 2"}
    for name in ("training", "inference"):
        config = {"recipe_dir": str(tmp_path), "egs2": egs2, "exp_tag": "msp_small"}
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(config))
    words = ["--stages", "create_dataset", "infer", "measure"]
    words += ["--training_config", "training.yaml", "--inference_config", "inference.yaml"]
    done = subprocess.run(
        [sys.executable, ENTRY / "run.py", *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    experiment = f"--expdir {tmp_path}/exp --msp_tag small --nj 2"
    assert (recipe / "words").read_text().splitlines() == [
        "--stage 1 --stop_stage 6 --nj 2",
        f"--stage 11 --stop_stage 11 {experiment}",
        f"--stage 12 --stop_stage 12 {experiment}",
    ]
    assert done.returncode == 1
    command = f"./run.sh --stage 12 --stop_stage 12 {experiment} in {recipe}"
    assert f"error: {command} ended with status 1;" in done.stderr
    assert "Traceback" not in done.stderr + done.stdout


def options_of(script: Path) -> dict[str, str]:
    found = re.findall(r"^\s+--(\w+) +\"?([^\"\n]+?)\"? \\$", script.read_text(), re.MULTILINE)
    return dict(found)


def test_the_settings_of_the_entry_are_those_of_the_recipe_of_egs2():
    config: dict[str, Any] = yaml.safe_load((ENTRY / "conf" / "training.yaml").read_text())
    model, given = config["model"], options_of(EGS2 / "run.sh")
    included = ENTRY / "conf" / config["defaults"][0]["model"]
    assert included.resolve() == (EGS2 / "conf" / "train_msp.yaml").resolve()
    assert list(model["asr_token_list"]) == given["asr_langs"].split()
    assert model["st_pairs"] == given["st_pairs"].split()
    feats = model["feats_conf"]
    assert (str(feats["fs"]), str(feats["num_mel_bins"])) == (given["fs"], given["num_mel_bins"])
    assert model["input_size"] == feats["num_mel_bins"] * feats["stack"]
    assert model["st_bpemodel"]["en"].split("/")[-2] == f"st_bpe_unigram{given['st_nbpe']}_sp"
    made = f"fbank_{feats['fs']}hz_{feats['num_mel_bins']}mel_stack{feats['stack']}"
    lengths = f"0.1-{given['max_wav_duration']}s"
    assert config["dump"] == f"dump/{made}/{lengths}"
    assert "speed_perturb_factors" in given  # hence "_sp"
    tokens = f"char_bpe_unigram{given['st_nbpe']}_sp"
    assert config["stats"] == f"exp/msp_stats_{made}_{lengths}_{tokens}"


def test_options_of_run_sh_that_the_stages_use_are_defined():
    text = (EGS2 / "msp.sh").read_text()
    assert {"stage", "stop_stage", "expdir", "msp_tag"} <= set(
        re.findall(r"^option (\w+)", text, re.MULTILINE)
    )
