"""Run the jobs of an array in slots: a share of this machine, or a place on a host behind ssh."""

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from espnet_soups.jobs.job_array import JobArray
from espnet_soups.jobs.progress import Progress

POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Slot:
    """A place where one job can run at a time.

    Args:
        host: The machine; None is this one.
        gpus: Its GPUs as CUDA numbers them; None leaves the choice to the job.
    """

    host: str | None = None
    gpus: tuple[str, ...] | None = None


def run_in_slots(
    array: JobArray,
    slots: Sequence[Slot],
    launcher: Callable[[Path, int, Slot], list[str]],
    progress: Progress,
) -> dict[int, int]:
    """Run every job, as many at once as there are slots; start no further job after a failure.

    Args:
        array: The jobs.
        slots: Where they run.
        launcher: Function that returns the command that brings a job (array file, number) to a
            slot. The command must hold its standard input open for `run_one --hold`.
        progress: Display to update whenever a job ends.

    Returns:
        Exit status of every job that was started.
    """
    saved = array.state_file(".jobs.json")
    array.save(saved)
    waiting = list(array.numbers())
    free = list(slots)
    running: dict[int, tuple[subprocess.Popen[bytes], Slot]] = {}
    statuses: dict[int, int] = {}
    try:
        while running or (waiting and not _failed(statuses)):
            while waiting and free and not _failed(statuses):
                number, slot = waiting.pop(0), free.pop(0)
                running[number] = (_start(array, number, launcher(saved, number, slot)), slot)
            progress.show(len(statuses) - _failed(statuses), _failed(statuses), len(running))
            time.sleep(POLL_SECONDS)
            for number, (process, slot) in list(running.items()):
                if process.poll() is not None:
                    # run_one and ssh hand on the job's own status
                    statuses[number] = process.returncode
                    free.append(slot)
                    _close(process)
                    del running[number]
        progress.show(len(statuses) - _failed(statuses), _failed(statuses), 0)
    finally:
        # an interruption: closing their standard input ends the jobs, see run_one
        for process, _ in running.values():
            _close(process)
        for process, _ in running.values():
            process.wait()
        saved.unlink(missing_ok=True)
    return statuses


def run_one_command(saved: Path, number: int) -> list[str]:
    """Return the command that runs a saved job on a machine that shares this file system.

    Args:
        saved: The file of `JobArray.save`.
        number: The job, from 1.
    """
    return [
        sys.executable,
        "-m",
        "espnet_soups.jobs.run_one",
        str(saved.absolute()),
        str(number),
    ]


def _start(array: JobArray, number: int, command: list[str]) -> subprocess.Popen[bytes]:
    log = array.log_of(number)
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_bytes(b"")
    # the launcher's own words (ssh: no route to host) belong in the log too
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches the runner alone, which then ends the jobs
        )


def _close(process: subprocess.Popen[bytes]) -> None:
    if process.stdin:
        process.stdin.close()


def _failed(statuses: dict[int, int]) -> int:
    return sum(status != 0 for status in statuses.values())
