"""Run jobs on other machines over ssh, in the same folder of a shared file system."""

import os
import re
import shlex
from pathlib import Path

from espnet_soups.files import read_lines
from espnet_soups.jobs.job_array import JobArray
from espnet_soups.jobs.pool import Slot, run_in_slots, run_one_command
from espnet_soups.jobs.progress import Progress

# A user's name may stand before it; an address of IPv6 holds colons.
HOST = re.compile(r"(?:[A-Za-z0-9_][\w.-]*@)?[A-Za-z0-9_:\[][\w.:%\[\]-]*", re.ASCII)
MOST_JOBS = 10_000


def read_machines(path: Path, gpus: int) -> list[Slot]:
    """Read the hosts: a line each, `host` or `host number-of-jobs-at-once`; `#` begins a comment.

    Args:
        path: The file, `.queue/machines` in ESPnet's recipes.
        gpus: GPUs per job: the first job on a host uses its first `gpus`, and so on.

    Raises:
        ValueError: If there is no file or no host in it, or a line is malformed.
        OSError: If the file cannot be read.
    """
    try:
        lines = list(read_lines(path))
    except FileNotFoundError:
        raise ValueError(
            f"{path} does not exist: write one host per line into it, for example "
            "'node01 2' for two jobs at once, or name another file by --machines."
        ) from None
    slots = []
    for number, line in enumerate(lines, start=1):
        words = line.split("#")[0].split()
        if not words:
            continue
        if len(words) > 2 or (len(words) == 2 and not words[1].isdecimal()):
            raise ValueError(f"{path}, line {number}: expected 'host [number]', but got {line!r}.")
        if not HOST.fullmatch(words[0]):  # `-o…` is an option to ssh
            raise ValueError(
                f"{path}, line {number}: a host is a name or an address, such as node01 or"
                f" me@10.0.0.7, and does not begin with '-', but got {words[0]!r}."
            )
        if len(words) == 2 and not 0 < int(words[1]) <= MOST_JOBS:
            raise ValueError(
                f"{path}, line {number}: a host runs from 1 to {MOST_JOBS} jobs at once, but got"
                f" {words[1]:.20}."
            )
        for place in range(int(words[1]) if len(words) == 2 else 1):
            share = tuple(str(place * gpus + gpu) for gpu in range(gpus)) or None
            slots.append((place, Slot(words[0], share)))
    if not slots:
        raise ValueError(f"{path} names no host: write one per line.")
    # one job on every host before a second one on any
    return [slot for _, slot in sorted(slots, key=lambda entry: entry[0])]


def run_ssh(
    array: JobArray, machines: Path, max_parallel: int | None, progress: Progress
) -> dict[int, int]:
    """Run the jobs on the hosts of a file; they need ssh without a password and the same folders.

    Args:
        array: The jobs.
        machines: The file of hosts, see `read_machines`.
        max_parallel: How many at once; None: as many as the file allows.
        progress: Display to update whenever a job ends.

    Returns:
        Exit status of every job that was started; 255 when ssh itself failed.
    """
    slots = read_machines(machines, array.gpus)
    return run_in_slots(array, slots[: max_parallel or len(slots)], _launch, progress)


def _launch(saved: Path, number: int, slot: Slot) -> list[str]:
    # PYTHONPATH finds this package; all else travels in the saved array
    path = os.environ.get("PYTHONPATH", "")
    settings = [f"PYTHONPATH={path}"] if path else []
    if slot.gpus is not None:
        settings.append(f"CUDA_VISIBLE_DEVICES={','.join(slot.gpus)}")
    remote = shlex.join(["env", *settings, *run_one_command(saved, number), "--hold"])
    place = shlex.quote(os.getcwd())
    options = ["-o", "BatchMode=yes", "-o", "ConnectTimeout=20", "-o", "ServerAliveInterval=60"]
    return ["ssh", *options, str(slot.host), f"cd {place} && exec {remote}"]
