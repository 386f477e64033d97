"""Training that torchrun starts, with an utterance that only one of the ranks cannot learn from."""

import argparse
import json
import os
import subprocess
import sys

import pytest
from warm_python import warm_variables

from espnet_soups.task.launcher import settle_launcher


def make_args(**options):
    given = {"ngpu": 0, "multiprocessing_distributed": True, "dist_backend": "nccl"}
    return argparse.Namespace(**{**given, **options})


def test_under_torchrun_espnet_starts_no_ranks_of_its_own():
    args = make_args(ngpu=1)
    settle_launcher(args, {"TORCHELASTIC_RUN_ID": "none"})
    assert (args.multiprocessing_distributed, args.dist_backend) == (False, "nccl")


def test_without_torchrun_espnet_starts_the_ranks():
    args = make_args(ngpu=4)
    settle_launcher(args, {})
    assert (args.multiprocessing_distributed, args.dist_backend) == (True, "nccl")


def test_cpus_talk_by_gloo():
    args = make_args()
    settle_launcher(args, {})
    assert args.dist_backend == "gloo"


def test_torchrun_with_several_gpus_per_process_is_refused():
    with pytest.raises(ValueError, match=r"needs `--ngpu 1` \(CPUs: 0\), but got 4"):
        settle_launcher(make_args(ngpu=4), {"TORCHELASTIC_RUN_ID": "none"})


def test_several_gpus_in_one_process_are_refused():
    args = make_args(ngpu=2, multiprocessing_distributed=False)
    with pytest.raises(ValueError, match=r"`--ngpu 2 .* between several GPUs \(DataParallel\)"):
        settle_launcher(args, {})


def test_two_ranks_of_torchrun_skip_a_broken_step_together_and_name_its_objectives(
    runs_of_two_ranks, tmp_path
):
    words = runs_of_two_ranks.broken_options("es-003")
    folder = tmp_path / "torchrun"
    options = ["--trainer", "msp", "--trainer_conf", "soup=vm", "--trainer_conf", "order=SA"]
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2"]
    command += ["--rdzv_backend", "c10d", "--rdzv_endpoint", "localhost:0"]
    command += ["-m", "espnet_soups.bin.msp_train", *words, *options]
    command += ["--max_epoch", "1", "--output_dir", str(folder)]
    environment = {k: v for k, v in os.environ.items() if k != "CUDA_VISIBLE_DEVICES"}
    environment |= warm_variables()
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    record = json.loads((folder / "soup.jsonl").read_text(encoding="utf-8"))
    assert record["skipped_steps"] == 1
    assert record["not_finite"] == {"asr_es": 1, "st_es_en": 1}
    assert record["labels"]["asr_es"] == 12, "labels are counted over both ranks"
    assert ":0/2]" in done.stderr, "the log names the rank"
    assert "The step was skipped: the loss of asr_es, st_es_en is not finite." in done.stderr
    assert all(value > 0 for value in record["valid_loss"].values())
