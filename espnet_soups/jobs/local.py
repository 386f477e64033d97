"""Run jobs as processes of this machine, as many at once as its cores or GPUs allow."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from espnet_soups.free_cores import count_cores
from espnet_soups.jobs.job_array import JobArray
from espnet_soups.jobs.pool import Slot, run_in_slots, run_one_command
from espnet_soups.jobs.progress import Progress


def run_local(array: JobArray, max_parallel: int | None, progress: Progress) -> dict[int, int]:
    """Run the jobs on this machine.

    Args:
        array: The jobs.
        max_parallel: How many at once; None: as many as there are cores for `num_threads` each.
        progress: Display to update whenever a job ends.

    Returns:
        Exit status of every job that was started.

    Raises:
        ValueError: If a job wants more GPUs than this machine has.
    """
    slots = _slots(array, max_parallel)
    return run_in_slots(array, slots, _launch, progress)


def _launch(saved: Path, number: int, slot: Slot) -> list[str]:
    command = [*run_one_command(saved, number), "--hold"]
    if slot.gpus is None:
        return command
    return ["env", f"CUDA_VISIBLE_DEVICES={','.join(slot.gpus)}", *command]


def _slots(array: JobArray, max_parallel: int | None) -> list[Slot]:
    wanted = min(array.jobs, max_parallel or max(1, count_cores() // array.num_threads))
    if array.gpus == 0:
        return [Slot()] * wanted
    gpus = visible_gpus()
    if len(gpus) < array.gpus:
        raise ValueError(
            f"A job wants {array.gpus} GPUs, but this machine shows {len(gpus)} "
            "(CUDA_VISIBLE_DEVICES, nvidia-smi): ask for fewer, or use --backend slurm or ssh."
        )
    shares = [
        tuple(gpus[first : first + array.gpus])
        for first in range(0, len(gpus) - array.gpus + 1, array.gpus)
    ]
    return [Slot(gpus=share) for share in shares[: min(array.jobs, max_parallel or len(shares))]]


def visible_gpus() -> list[str]:
    """Return the GPUs of this machine as CUDA numbers them, without importing torch."""
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None:
        return [gpu for gpu in chosen.split(",") if gpu]
    if shutil.which("nvidia-smi") is None:
        return []
    listing = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=False)
    # a name may hold "GPU", too: NVIDIA GeForce RTX 3060 Laptop GPU
    return [str(n) for n in range(len(re.findall(r"^GPU \d+:", listing.stdout, re.MULTILINE)))]
