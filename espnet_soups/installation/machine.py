"""Describe cores, memory, disk and GPUs, and what they are enough for."""

import os
import shutil
import subprocess
from pathlib import Path

GIB = 1024**3
JOB_GIB = 2.0  # of memory, for each process of a recipe's short model; measured by run_tests.sh
CPU_SECONDS, GPU_SECONDS = 3.90, 0.215  # docs/benchmark.md: a step of 39.9 M parameters


def describe_machine() -> list[str]:
    """Return a line for cores and memory, disk, GPUs, and what a GPU would do."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = free_memory()
    if memory is None:
        lines = [f"cores   {cores}; the free memory is not known on this system"]
    else:
        jobs = max(0, int(memory / JOB_GIB))
        lines = [
            f"cores   {cores}; {memory:.1f} GiB of memory are free, enough for {jobs} processes of"
            f" {JOB_GIB:.0f} GiB beside each other"
        ]
    free = shutil.disk_usage(Path.cwd()).free / GIB
    lines.append(f"disk    {free:.1f} GiB are free here")
    gpus = find_gpus()
    if gpus:
        return [*lines, *(f"gpu     {gpu}" for gpu in gpus), torch_and_gpus()]
    ratio = CPU_SECONDS / GPU_SECONDS
    return [
        *lines,
        "gpu     none (nvidia-smi finds none); the asterisk recipe needs none. One H100 made joint"
        f" steps of a model of 39.9 M parameters {ratio:.0f} times as fast as two cores"
        " (docs/benchmark.md)",
    ]


def free_memory() -> float | None:
    """Return the memory that programs can still have, GiB; None: the system does not say."""
    table = Path("/proc/meminfo")
    if not table.is_file():
        return None
    for line in table.read_text(encoding="utf-8").split("\n"):
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024 / GIB
    return None


def find_gpus() -> list[str]:
    """Return name and memory of each GPU from NVIDIA's driver; empty if there is no driver."""
    command = ["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return []
    return [line.strip() for line in done.stdout.split("\n") if line.strip()][
        : None if done.returncode == 0 else 0
    ]


def torch_and_gpus() -> str:
    """Return a line that says whether the installed torch can use the GPUs."""
    import torch

    if torch.cuda.is_available():
        return f"torch   {torch.__version__} uses {torch.cuda.device_count()} of them: --ngpu"
    return (
        f"torch   {torch.__version__} cannot use them (built for CUDA {torch.version.cuda}):"
        " install a newer driver, or a torch for it (https://pytorch.org)"
    )
