"""Jobs as real processes of this machine."""

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from unittest.mock import Mock

import pytest

from espnet_soups.jobs.job_array import JobArray
from espnet_soups.jobs.job_log import explanation, read_status
from espnet_soups.jobs.local import run_local, visible_gpus
from espnet_soups.jobs.progress import Progress

RunJobs = Callable[..., subprocess.CompletedProcess[str]]


def wait_until(condition: Callable[[], bool], seconds: float = 15.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return condition()


def is_alive(pid: int) -> bool:
    try:
        # a killed process that nobody has waited for yet is dead too
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_every_job_runs_once_and_its_log_tells_command_host_time_and_status(
    run_jobs: RunJobs, tmp_path: Path
) -> None:
    result = run_jobs("--jobs", "3", "--log", "log/say.JOB.log", "--", "echo", "number JOB", "ü")
    assert result.returncode == 0, result.stderr
    assert "jobs: 3 of 3 done, 0 running, 0 failed" in result.stderr
    assert sorted(path.name for path in (tmp_path / "log").iterdir()) == [
        f"say.{number}.log" for number in (1, 2, 3)
    ]
    lines = (tmp_path / "log/say.2.log").read_text().splitlines()
    assert lines[0] == "# echo 'number 2' 'ü'"
    assert f" on {os.uname().nodename} in {tmp_path}" in lines[1]
    assert "number 2 ü" in lines
    assert lines[-1].startswith("# ended with status 0 at ")
    assert lines[-1].endswith(" s")


def test_the_processes_of_several_gpus_share_the_threads_of_their_job(
    run_jobs: RunJobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    options = ("--gpus", "2", "--num_threads", "10", "--log", "t.log")
    result = run_jobs(*options, "--", "bash", "-c", "echo each has ${OMP_NUM_THREADS}")
    assert result.returncode == 0, result.stderr
    assert "each has 5" in (tmp_path / "t.log").read_text().splitlines()


def test_a_failing_job_shows_the_end_of_its_own_log(run_jobs: RunJobs) -> None:
    script = "seq 1 100; echo told by JOB; [ JOB != 2 ] || exit 7"
    result = run_jobs("--jobs", "2", "--log", "log/JOB.log", "--", "bash", "-c", script)
    assert result.returncode == 1
    assert "job 2 of 2 failed with status 7; the end of its log log/2.log:" in result.stderr
    shown = [line.strip() for line in result.stderr.splitlines() if line.startswith("    ")]
    assert len(shown) == 20
    assert "told by 2" in shown
    assert "told by 1" not in result.stderr
    assert "error: 1 of 2 jobs failed, 1 are done, 0 were not started" in result.stderr


def test_a_job_that_says_why_it_failed_is_quoted_with_that_sentence_alone(
    run_jobs: RunJobs,
) -> None:
    script = "seq 1 100; echo 'error: text:4: the line is empty.'; exit 1"
    result = run_jobs("--log", "log.log", "--", "bash", "-c", script)
    shown = [line.strip() for line in result.stderr.splitlines() if line.startswith("    ")]
    assert shown == ["error: text:4: the line is empty."]


def test_where_the_log_itself_is_on_a_full_disk_that_is_what_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "train.log"
    log.write_text("a line of a job that had more to sa")
    assert explanation(log) == ["a line of a job that had more to sa"]
    full = OSError(errno.ENOSPC, "No space left on device")
    monkeypatch.setattr("tempfile.TemporaryFile", Mock(side_effect=full))
    (said,) = explanation(log)
    assert said.startswith(f"error: No space left on device: {log} could not be written to its end")
    assert said.endswith("free some space, then run the same command again.")
    monkeypatch.setattr("tempfile.TemporaryFile", Mock(side_effect=OSError(errno.EACCES, "no")))
    assert explanation(log) == ["a line of a job that had more to sa"]


def test_a_job_that_goes_on_keeps_its_earlier_logs(run_jobs: RunJobs, tmp_path: Path) -> None:
    for word in ("one", "two", "three"):
        assert run_jobs("--log", "train.log", "--", "echo", word).returncode == 0
    for name, word in (("train.log", "three"), ("train.1.log", "two"), ("train.2.log", "one")):
        assert word in (tmp_path / name).read_text().splitlines()


def test_after_a_failure_no_further_job_starts(run_jobs: RunJobs, tmp_path: Path) -> None:
    result = run_jobs("--jobs", "9", "--max_parallel", "1", "--log", "JOB.log", "--", "false")
    assert result.returncode == 1
    assert "1 of 9 jobs failed, 0 are done, 8 were not started" in result.stderr
    assert not (tmp_path / "2.log").exists()


def test_a_command_that_does_not_exist_is_named(run_jobs: RunJobs) -> None:
    result = run_jobs("--log", "x.log", "--", "no-such-command")
    assert result.returncode == 1
    assert "no-such-command could not be started: No such file or directory" in result.stderr


def test_jobs_run_side_by_side_up_to_the_limit(
    tmp_path: Path, job_environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    # each job waits for the other to have begun: alone, neither could end
    wait = "for i in $(seq 200); do [ -e begun.1 -a -e begun.2 ] && exit 0; sleep .05; done"
    script = f"touch begun.JOB; {wait}; exit 1"
    array = JobArray(("bash", "-c", script), 2, "JOB.log")
    assert run_local(array, 2, Progress(2, sys.stderr)) == {1: 0, 2: 0}


def test_threads_and_gpus_are_handed_out(
    tmp_path: Path, job_environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5,7")
    say = "echo t=$OMP_NUM_THREADS g=$CUDA_VISIBLE_DEVICES; touch b.JOB"
    script = f"{say}; while ! [ -e b.1 -a -e b.2 -a -e b.3 ]; do sleep .05; done"
    array = JobArray(("bash", "-c", script), 3, "JOB.log", num_threads=2, gpus=1)
    assert set(run_local(array, None, Progress(3, sys.stderr)).values()) == {0}
    said = {Path(f"{number}.log").read_text().splitlines()[4] for number in (1, 2, 3)}
    assert said == {"t=2 g=4", "t=2 g=5", "t=2 g=7"}
    with pytest.raises(ValueError, match="wants 4 GPUs, but this machine shows 3"):
        run_local(JobArray(("true",), 1, "x.log", gpus=4), None, Progress(1, sys.stderr))


def test_a_gpu_counts_once_whatever_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = "GPU 0: NVIDIA GeForce RTX 3060 Laptop GPU (UUID: GPU-1)\nGPU 1: NVIDIA H200 (UUID: x)"
    tool = tmp_path / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\necho '{lines}\n  MIG 1g.5gb Device 0: (UUID: MIG-1)'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert visible_gpus() == ["0", "1"]


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)]
)
def test_an_ended_runner_leaves_no_process_behind(
    number: signal.Signals, status: int, tmp_path: Path, job_environment: None
) -> None:
    script = "sleep 300 & echo $! > child.JOB; echo $$ > parent.JOB; wait"
    command = ["--jobs", "2", "--max_parallel", "2", "--log", "JOB.log", "--", "bash", "-c", script]
    runner = subprocess.Popen(
        [sys.executable, "-m", "espnet_soups.bin.run_jobs", *command],
        cwd=tmp_path,
        stderr=subprocess.DEVNULL,
    )
    files = [tmp_path / f"{who}.{job}" for who in ("child", "parent") for job in (1, 2)]
    assert wait_until(lambda: all(file.exists() and file.read_text() for file in files))
    pids = [int(file.read_text()) for file in files]
    runner.send_signal(number)
    assert runner.wait(timeout=20) == status
    assert wait_until(lambda: not any(map(is_alive, pids)))
    assert wait_until(lambda: read_status(tmp_path / "1.log") == 128 + signal.SIGTERM)


def test_jobs_end_with_the_script_that_started_them(tmp_path: Path, job_environment: None) -> None:
    job = "--log x.log -- bash -c 'echo $$ > pid; sleep 300'"
    script = f"{sys.executable} -m espnet_soups.bin.run_jobs --end_with_parent {job}; true"
    parent = subprocess.Popen(["bash", "-c", script], cwd=tmp_path, stderr=subprocess.DEVNULL)
    pid = tmp_path / "pid"
    assert wait_until(lambda: pid.exists() and pid.read_text() != "")
    parent.kill()
    parent.wait()
    assert wait_until(lambda: not is_alive(int(pid.read_text())))


def test_a_signal_ahead_of_a_pre_emption_leaves_a_job_the_time_to_save(
    tmp_path: Path, job_environment: None
) -> None:
    script = "trap 'sleep 6; echo saved; exit 143' TERM; echo $$ > pid; sleep 300 & wait"
    array = JobArray(("bash", "-c", script), 1, str(tmp_path / "job.log"))
    array.save(tmp_path / "array.json")
    words = ["-m", "espnet_soups.jobs.run_one", str(tmp_path / "array.json"), "1"]
    runner = subprocess.Popen([sys.executable, *words], cwd=tmp_path)
    assert wait_until((tmp_path / "pid").exists, 60)
    runner.send_signal(signal.SIGUSR1)
    assert runner.wait(timeout=60) == 143
    assert "saved" in (tmp_path / "job.log").read_text().splitlines()


def test_help_and_bad_options_answer_without_torch(run_jobs: RunJobs) -> None:
    result = run_jobs("--help")
    assert result.returncode == 0
    assert "--max_parallel" in result.stdout
    assert (
        "error: `log` must contain the word JOB"
        in run_jobs("--jobs", "2", "--log", "x", "--", "true").stderr
    )
    code = "import sys, espnet_soups.bin.run_jobs; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
