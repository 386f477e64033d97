"""The training command on a GPU with mixed precision, stopped and gone on with."""

import os

import pytest
import torch
from soup_options import SOUP
from trained_runs import load, records

DEVICE = os.environ.get("SOUPS_GPU_TESTS_ON", "cuda")
pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(
        DEVICE == "cuda" and not torch.cuda.is_available(), reason="there is no GPU"
    ),
]
# ESPnet's autocast and scaler are of GPUs alone
MACHINE = ("--ngpu", "1", "--use_amp", "true") if DEVICE == "cuda" else ("--ngpu", "0")


@pytest.mark.parametrize("precision", ["full", "mixed"])
def test_a_run_that_was_stopped_ends_like_one_that_was_not(runs, precision):
    machine = MACHINE if precision == "mixed" else MACHINE[:2]
    options = (*SOUP, *machine)
    whole = runs.train(f"gpu_whole_{precision}", *options, "--max_epoch", "2")
    runs.train(f"gpu_stopped_{precision}", *options, "--max_epoch", "1")
    resumed = runs.train(f"gpu_stopped_{precision}", *options, "--max_epoch", "2")
    for found, expected in zip(records(resumed), records(whole), strict=True):
        for name, loss in expected["loss"].items():
            assert found["loss"][name] == pytest.approx(loss, rel=0.02), name
    device = {"cuda": "cuda:0", "cpu": "cpu"}[DEVICE]
    assert {str(value.device) for value in load(whole / "checkpoint.pth")["model"].values()} == {
        device
    }
    assert records(whole)[1]["loss"]["asr_en"] < records(whole)[0]["loss"]["asr_en"]
