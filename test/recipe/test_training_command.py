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
    settings = (
        f"threads=1 adapts=true ngpu={ngpu} cuda_cmd=echo stats_dir=stats normalize_args=()\n"
    )
    call = "train_model exp/a conf.yaml shapes --seed 1"
    result = bash(f"{stubs}{settings}{function}\n{call}")
    assert result.returncode == 0, result.stderr
    assert f"--gpus {ngpu} " in result.stdout
    assert f"--ngpu {ngpu} --resume true --multiprocessing_distributed true" in result.stdout
    assert result.stdout.rstrip().endswith("--seed 1")


@pytest.mark.parametrize(
    ("settings", "cores"),
    [
        ("num_threads=0 ngpu=0", "64"),
        ("num_threads=0 ngpu=4", "20"),
        ("num_threads=3 ngpu=4", "3"),
    ],
)
def test_training_on_gpus_does_not_ask_for_all_cores_of_the_machine_that_submits_it(
    bash: Bash, settings: str, cores: str
):
    lines = MSP.read_text().splitlines()
    (start,) = (n for n, line in enumerate(lines) if line.startswith("threads=${num_threads}"))
    chosen = "\n".join(lines[start : start + 3])
    assert bash(f"{settings} cores=64\n{chosen}\necho ${{threads}}").stdout == f"{cores}\n"


@pytest.mark.parametrize(("backend", "jobs"), [("local", "2"), ("slurm", "32"), ("ssh", "32")])
def test_decoding_jobs_of_other_machines_do_not_depend_on_the_cores_of_this_one(
    bash: Bash, backend: str, jobs: str
):
    (line,) = (line for line in MSP.read_text().splitlines() if line.startswith("((inference_nj"))
    settings = f"cmd_backend={backend} inference_nj=0 cores=2"
    assert bash(f"{settings}\n{line}\necho ${{inference_nj}}").stdout == f"{jobs}\n"
