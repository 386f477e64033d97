"""Jobs by Slurm: a stand-in for sbatch runs the array here; no real cluster takes part."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from espnet_soups.jobs import slurm
from espnet_soups.jobs.job_array import JobArray
from espnet_soups.jobs.progress import Progress, failure_text

RunJobs = Callable[..., subprocess.CompletedProcess[str]]

# runs the tasks of --array one after the other, with its output where --output says
FAKE_SBATCH = """
printf '%s\\n' "$@" > "$(dirname "$0")/arguments"
for word in "$@"; do
    case ${word} in
    --array=1-*) last=${word#--array=1-}; last=${last%%%*} ;;
    --output=*) output=${word#--output=} ;;
    --partition=none) echo "sbatch: error: invalid partition specified: none" >&2; exit 1 ;;
    esac
done
echo 4711
exec 1>&-
for task in $(seq "${last}"); do
    SLURM_ARRAY_TASK_ID=${task} bash "${@: -1}" > "${output//%a/${task}}" 2>&1 || status=1
done
exit "${status:-0}"
"""


def test_jobs_run_as_one_array_with_the_options_of_the_site(
    run_jobs: RunJobs, fake_program: Callable[[str, str], None], tmp_path: Path
) -> None:
    fake_program("sbatch", FAKE_SBATCH)
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf/slurm.conf").write_text("--account=speech\ngpu: --partition=gpu\ncpu: -p c\n")
    options = ("--backend", "slurm", "--jobs", "2", "--num_threads", "3", "--max_parallel", "1")
    result = run_jobs(*options, "--time", "1:00:00", "--log", "log/d.JOB.log", "--", "echo", "JOB!")
    assert result.returncode == 0, result.stderr
    words = (tmp_path / "fake_bin/arguments").read_text().splitlines()
    assert {"--wait", "--array=1-2%1", "--cpus-per-task=3", "--account=speech"} <= set(words)
    assert {"-p", "c", "--time=1:00:00"} <= set(words)
    assert "--partition=gpu" not in words
    assert "\n2!\n" in (tmp_path / "log/d.2.log").read_text()
    assert sorted(path.name for path in (tmp_path / "log").iterdir()) == ["d.1.log", "d.2.log"]


def test_a_failed_task_and_a_killed_one_are_told_apart(
    fake_program: Callable[[str, str], None],
    job_environment: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fake_program("sbatch", FAKE_SBATCH)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(slurm, "FILE_SYSTEM_SECONDS", 0.0)
    # the second job kills run_one above it, as Slurm does for memory
    script = "[ JOB = 2 ] || exit 3; echo out of memory soon; kill -9 $PPID"
    array = JobArray(("bash", "-c", script), 2, "JOB.log")
    statuses = slurm.run_slurm(array, [], None, Progress(2, sys.stderr))
    assert statuses == {1: 3, 2: None}
    text = failure_text(array, statuses)
    assert "job 1 of 2 failed with status 3" in text
    assert "job 2 of 2 was killed or lost" in text
    assert "out of memory soon" in text
    assert "error: 2 of 2 jobs failed, 0 are done, 0 were not started" in text


def test_what_sbatch_refuses_is_told(
    run_jobs: RunJobs, fake_program: Callable[[str, str], None]
) -> None:
    fake_program("sbatch", FAKE_SBATCH)
    result = run_jobs("--backend", "slurm", "--partition", "none", "--log", "x.log", "--", "true")
    assert result.returncode == 1
    assert "error: sbatch refused the jobs: sbatch: error: invalid partition" in result.stderr


def test_an_interrupted_runner_cancels_its_jobs(
    fake_program: Callable[[str, str], None], tmp_path: Path, job_environment: None
) -> None:
    fake_program("sbatch", "echo 4711; exec sleep 60")
    fake_program("scancel", f'echo "$@" > {tmp_path}/cancelled')
    options = ["--backend", "slurm", "--log", "x.log", "--", "true"]
    runner = subprocess.Popen(
        [sys.executable, "-m", "espnet_soups.bin.run_jobs", *options],
        cwd=tmp_path,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 15
    while not (tmp_path / "x.log").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.5)
    os.kill(runner.pid, signal.SIGTERM)
    assert runner.wait(timeout=20) == 143
    assert (tmp_path / "cancelled").read_text() == "4711\n"


def test_jobs_of_a_killed_runner_are_cancelled_before_others_are_submitted(
    fake_program: Callable[[str, str], None], tmp_path: Path, run_jobs: RunJobs
) -> None:
    fake_program("sbatch", f"echo $$ > {tmp_path}/pid; echo 4711; exec sleep 60")
    fake_program("squeue", f'[ -e {tmp_path}/cancelled ] || echo "$@ running"')
    fake_program("scancel", f'echo "$@" > {tmp_path}/cancelled')
    options = ["--backend", "slurm", "--log", "x.log", "--", "true"]
    runner = subprocess.Popen(
        [sys.executable, "-m", "espnet_soups.bin.run_jobs", *options], cwd=tmp_path
    )
    job_id = tmp_path / ".x.slurm_job"
    deadline = time.monotonic() + 15
    while not job_id.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    runner.kill()
    runner.wait()
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGTERM)
    assert job_id.read_text() == "4711\n"
    assert not (tmp_path / "cancelled").exists()

    fake_program("sbatch", FAKE_SBATCH)
    result = run_jobs(*options)
    assert result.returncode == 0, result.stderr
    assert "job 4711 of an earlier run goes on: it is cancelled" in result.stderr
    assert (tmp_path / "cancelled").read_text() == "4711\n"
    assert not job_id.exists()


def test_jobs_that_cannot_be_cancelled_stop_the_run(
    fake_program: Callable[[str, str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_program("squeue", "echo 4711")
    fake_program("scancel", "exit 1")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(slurm, "CANCEL_SECONDS", 0.0)
    monkeypatch.setattr(slurm, "POLL_SECONDS", 0.0)
    (tmp_path / ".x.slurm_job").write_text("4711\n")
    with pytest.raises(OSError, match=r"Slurm's job 4711 .* cancel it \(scancel 4711\)"):
        slurm.run_slurm(JobArray(("true",), 1, "x.log"), [], None, Progress(1, sys.stderr))


def test_without_slurm_the_way_out_is_told(
    run_jobs: RunJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    result = run_jobs("--backend", "slurm", "--log", "x.log", "--", "true")
    assert result.returncode == 1
    assert "error: sbatch was not found on PATH" in result.stderr


def test_kaldis_slurm_conf_is_refused_by_its_line(tmp_path: Path) -> None:
    (tmp_path / "slurm.conf").write_text("# Kaldi\ncommand sbatch --export=PATH\n")
    with pytest.raises(ValueError, match=r"slurm\.conf, line 2: expected options of sbatch"):
        slurm.read_slurm_options(tmp_path / "slurm.conf", gpus=0)
