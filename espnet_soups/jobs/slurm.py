"""Run jobs as an array of Slurm (`sbatch --wait`), with the site's options in conf/slurm.conf."""

import logging
import os
import re
import shlex
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from espnet_soups.files import read_lines
from espnet_soups.jobs.job_array import JobArray
from espnet_soups.jobs.job_log import read_status
from espnet_soups.jobs.pool import run_one_command
from espnet_soups.jobs.progress import Progress

POLL_SECONDS = 2.0
FILE_SYSTEM_SECONDS = 10.0  # a log written on a node may be seen here a little later
CANCEL_SECONDS = 60.0  # until cancelled jobs have left the queue
JOB_ID = ".slurm_job"  # beside the logs while the jobs run


def read_slurm_options(path: Path, gpus: int) -> list[str]:
    """Read options of sbatch, some per line; a line `gpu: …` or `cpu: …` is for such jobs only.

    Args:
        path: The file, `conf/slurm.conf` in a recipe. It need not exist: sbatch's own environment
            variables (SBATCH_PARTITION, SBATCH_TIMELIMIT, …) work as usual.
        gpus: GPUs per job: with any, lines of `gpu:` count, else those of `cpu:`.

    Raises:
        ValueError: If a line holds something else, such as the lines of Kaldi's slurm.conf.
    """
    if not path.exists():
        return []
    options = []
    for number, line in enumerate(read_lines(path), start=1):
        try:
            words = shlex.split(line, comments=True)
        except ValueError as error:
            raise ValueError(f"{path}, line {number}: {error}, in {line!r}.") from error
        kind = words.pop(0) if words and words[0] in ("gpu:", "cpu:") else None
        if words and not words[0].startswith("-"):
            raise ValueError(
                f"{path}, line {number}: expected options of sbatch such as '--time=8:00:00' or "
                f"'gpu: --partition=gpu', but got {line!r}."
            )
        if kind is None or (kind == "gpu:") == (gpus > 0):
            options += words
    return options


def run_slurm(
    array: JobArray, options: Sequence[str], max_parallel: int | None, progress: Progress
) -> dict[int, int | None]:
    """Submit the jobs and wait for them.

    Jobs of an earlier runner that was killed go on and would write into the same files, so they are
    cancelled first.

    Args:
        array: The jobs.
        options: Further options of sbatch; the last of two alike wins.
        max_parallel: How many at once; None: as many as Slurm allows.
        progress: Display to update while the jobs run.

    Returns:
        Exit status of every job; None for one without a status in its log (killed for its memory or
        time, or never run).

    Raises:
        OSError: If sbatch is missing or refuses the jobs, or earlier ones do not end.
        ValueError: If the file that names an earlier job holds something else.
    """
    _cancel_orphans(array)
    saved, script = array.state_file(".jobs.json"), array.state_file(".sbatch")
    array.save(saved)
    for number in array.numbers():
        array.log_of(number).parent.mkdir(parents=True, exist_ok=True)
        # a status of an earlier run must not pass for this one's
        array.log_of(number).write_bytes(b"")
    run_one = shlex.join(run_one_command(saved, 0)[:-1])
    script.write_text(f'#!/bin/bash\nexec {run_one} "${{SLURM_ARRAY_TASK_ID}}"\n', encoding="utf-8")
    command = ["sbatch", "--wait", "--parsable", *_resources(array, max_parallel)]
    _submit_and_wait([*command, *options, str(script)], array, progress)
    statuses = _collect(array)
    saved.unlink()
    script.unlink()
    return statuses


def _resources(array: JobArray, max_parallel: int | None) -> list[str]:
    limit = f"%{max_parallel}" if max_parallel else ""
    resources = [
        f"--array=1-{array.jobs}{limit}",
        f"--cpus-per-task={array.num_threads}",
        f"--job-name={array.state_file('').name.strip('.')}",
        f"--chdir={os.getcwd()}",
        # Slurm's own message about a job (killed, out of memory) goes beside its log
        f"--output={array.state_file('.slurm.%a').absolute()}",
    ]
    return resources + ([f"--gres=gpu:{array.gpus}"] if array.gpus else [])


def _cancel_orphans(array: JobArray) -> None:
    path = array.state_file(JOB_ID)
    if not path.exists():
        return
    job_id = path.read_bytes().decode(errors="replace").strip()
    if not re.fullmatch(r"\d+", job_id, re.ASCII):
        raise ValueError(
            f"{path} must hold the number of a job, but holds {job_id!r:.60}: remove it."
        )
    deadline = time.monotonic() + CANCEL_SECONDS
    queue = ["squeue", "--noheader", "--jobs", job_id]
    # squeue fails, too, once Slurm has forgotten the job
    while subprocess.run(queue, capture_output=True, text=True, check=False).stdout.strip():
        if time.monotonic() > deadline:
            raise OSError(
                f"Slurm's job {job_id} of an earlier run still works on {array.log} and does not"
                f" end: cancel it (scancel {job_id}), and start again."
            )
        logging.warning(f"Slurm's job {job_id} of an earlier run goes on: it is cancelled.")
        subprocess.run(["scancel", job_id], check=False)
        time.sleep(POLL_SECONDS)
    path.unlink()


def _submit_and_wait(command: list[str], array: JobArray, progress: Progress) -> None:
    try:
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
    except FileNotFoundError:
        raise OSError(
            "sbatch was not found on PATH: run this where Slurm is, or use --backend local or ssh."
        ) from None
    assert process.stdout is not None  # asked for above; this is for the type checker
    job_id = process.stdout.readline().strip().split(";")[0]
    if job_id:
        array.state_file(JOB_ID).write_text(f"{job_id}\n", encoding="utf-8")
    try:
        while process.poll() is None:
            _show(array, progress)
            time.sleep(POLL_SECONDS if array.jobs > 1 else POLL_SECONDS / 4)
    except BaseException:
        if job_id:
            subprocess.run(["scancel", job_id], check=False)
        process.terminate()
        raise
    finally:
        output, complaint = process.communicate()
        array.state_file(JOB_ID).unlink(missing_ok=True)
    if not job_id:
        raise OSError(f"sbatch refused the jobs: {' '.join((output + complaint).split())}")
    _show(array, progress)


def _show(array: JobArray, progress: Progress) -> None:
    ended = [read_status(array.log_of(number)) for number in array.numbers()]
    done = sum(status == 0 for status in ended)
    lost = sum(status is None for status in ended)
    progress.show(done, array.jobs - done - lost, lost)


def _collect(array: JobArray) -> dict[int, int | None]:
    deadline = time.monotonic() + FILE_SYSTEM_SECONDS
    while True:
        statuses = {number: read_status(array.log_of(number)) for number in array.numbers()}
        if None not in statuses.values() or time.monotonic() > deadline:
            break
        time.sleep(0.5)
    for number, status in statuses.items():
        slurm_said = array.state_file(f".slurm.{number}")
        if slurm_said.exists():
            if status is None:
                with array.log_of(number).open("ab") as log:
                    log.write(slurm_said.read_bytes())
            slurm_said.unlink()
    return statuses
