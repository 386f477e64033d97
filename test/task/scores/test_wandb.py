"""Runs of Weights & Biases: offline, refused without a key, with all that TensorBoard has."""

import os
import subprocess
import sys

import pytest
from soup_options import SOUP

from espnet_soups.task.checks.check_options import check_wandb

pytest.importorskip("wandb", reason="an optional extra: pip install 'espnet-soups[wandb]'")
HELD = ["lambda/asr_fr", "penalty/level2", "cosine/asr_en~asr_fr", "valid_wer_epoch"]
HELD += ["valid_bleu/st_fr_en_epoch", "examples/asr_fr"]


def test_an_offline_run_has_weights_penalties_cosines_scores_and_examples(runs, monkeypatch):
    folder = runs.root / "wandb_run"
    words = [*runs.options, *SOUP, "--scores_conf", "utterances=2", "--use_wandb", "true"]
    words += ["--max_epoch", "1", "--log_interval", "1", "--output_dir", str(folder)]
    command = [sys.executable, "-m", "espnet_soups.bin.msp_train", *words]
    environment = {**os.environ, "WANDB_MODE": "offline"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    (history,) = (folder / "wandb").glob("offline-run-*/run-*.wandb")
    content = history.read_bytes()
    assert [name for name in HELD if name.encode() not in content] == []
    (table,) = (folder / "wandb").glob("offline-run-*/files/media/table/examples/asr_fr_*.json")
    assert '"columns":["utterance","reference","hypothesis"]' in table.read_text().replace(" ", "")


def test_wandb_without_a_key_is_refused(monkeypatch, tmp_path):
    import wandb

    for name in ("WANDB_API_KEY", "WANDB_MODE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    wandb.teardown()
    with pytest.raises(ValueError, match=r"needs a key, but wandb knows none: run `wandb login`"):
        check_wandb()
