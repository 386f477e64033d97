"""The command that msp.sh trains with."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Bash = Callable[..., subprocess.CompletedProcess[str]]
MSP = Path(__file__).parents[2] / "egs2" / "TEMPLATE" / "msp1" / "msp.sh"


@pytest.mark.parametrize("ngpu", ["0", "4"])
def test_training_starts_a_process_for_each_gpu(bash: Bash, ngpu: str):
    lines = MSP.read_text().splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("train_model() {"))
    function = "\n".join(lines[start : lines.index("}", start) + 1])
    # the real function; what it calls prints its words instead
    stubs = "python() { exec sleep 60 >/dev/null 2>&1; }; use_threads() { :; }; sleep() { :; }\n"
    settings = f"threads=1 ngpu={ngpu} cuda_cmd=echo stats_dir=stats normalize_args=()\n"
    call = "train_model exp/a conf.yaml shapes --seed 1"
    result = bash(f"{stubs}{settings}{function}\n{call}")
    assert result.returncode == 0, result.stderr
    assert f"--gpus {ngpu} " in result.stdout
    assert f"--ngpu {ngpu} --resume true --multiprocessing_distributed true" in result.stdout
    assert result.stdout.rstrip().endswith("--seed 1")
