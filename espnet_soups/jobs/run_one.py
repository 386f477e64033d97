"""Run one job of an array, on whatever machine the backend has chosen.

python -m espnet_soups.jobs.run_one ARRAY.json NUMBER [--hold]

With `--hold` the job lives only as long as standard input stays open: when the runner that holds
the other end dies, even by SIGKILL or behind an ssh connection, the job and its children are ended.
"""

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from espnet_soups.jobs.job_array import JobArray, load_job_array
from espnet_soups.jobs.job_log import write_foot, write_head

GRACE_SECONDS = 60.0  # between SIGTERM and SIGKILL: a training saves before it ends
LOOK_SECONDS = 0.2  # between two looks at signals and at the runner


def run_one(array: JobArray, number: int, environment: dict[str, str], hold: bool) -> int:
    """Run the job in a process group of its own and write its log.

    Args:
        array: The job array.
        number: Which job, from 1 on.
        environment: Variables to set for the job, beside those of this process.
        hold: End the job when standard input is closed.

    Returns:
        Exit status of the command; 128 + signal when a signal ended it; 127 when it did not start.
    """
    log_path = array.log_of(number)
    log_path.parent.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    command = array.command_of(number)
    # appending, since the command and the launcher write into the same file
    with log_path.open("ab") as log:
        log.truncate(0)
        write_head(log, command, array.num_threads)
        status = _run(command, log, _environment(array, environment), hold)
        write_foot(log, status, time.monotonic() - started)
    return status


def _environment(array: JobArray, extra: dict[str, str]) -> dict[str, str]:
    # a training on several GPUs has a process for each
    threads = str(max(1, array.num_threads // max(1, array.gpus)))
    return os.environ | extra | {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads}


def _run(command: Sequence[str], log: BinaryIO, environment: dict[str, str], hold: bool) -> int:
    asked: list[int] = []  # signals received; a handler must do no more than note them
    # SIGUSR1 is what Slurm sends ahead of a pre-emption, with `--signal=B:USR1@300`
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1):
        signal.signal(number, lambda received, _frame: asked.append(received))
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )
    except OSError as error:
        log.write(f"error: {command[0]} could not be started: {error.strerror}\n".encode())
        return 127
    while True:
        try:
            status = process.wait(timeout=LOOK_SECONDS)
            break
        except subprocess.TimeoutExpired:
            if asked or (hold and _runner_has_gone()):
                status = _end_group(process)
                break
    return status if status >= 0 else 128 - status


def _runner_has_gone() -> bool:
    # the runner never writes: standard input is readable only when its end of the pipe is closed
    return bool(select.select([0], [], [], 0)[0]) and not os.read(0, 1024)


def _end_group(process: "subprocess.Popen[bytes]") -> int:
    """End a job with all its children: ask first, and insist after `GRACE_SECONDS`."""
    deadline = time.monotonic() + GRACE_SECONDS
    try:
        os.killpg(process.pid, signal.SIGTERM)
        while time.monotonic() < deadline:
            process.poll()  # a leader that was not waited for would count as alive
            time.sleep(0.05)
            os.killpg(process.pid, 0)
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass  # all have ended
    return process.wait()


def main(arguments: Sequence[str]) -> int:
    """Run the job that the command line names and return its exit status.

    Args:
        arguments: Command line: the file of the array, the number of the job, and `--hold` if
            wanted.
    """
    array, environment = load_job_array(Path(arguments[0]))
    return run_one(array, int(arguments[1]), environment, hold="--hold" in arguments[2:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
