"""Ask a device for what differs between a GPU and a CPU: waiting, memory, kernels, its name."""

import platform
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity, profile

SYNCHRONISING = ("cudaStreamSynchronize", "cudaDeviceSynchronize", "cudaEventSynchronize")
NO_KERNELS = ("Memcpy", "Memset")  # names of what a GPU does beside kernels


def wait_for(device: str) -> None:
    """Return when all work of a device is done.

    Args:
        device: `cpu` or `cuda`.
    """
    if device == "cuda":
        torch.cuda.synchronize()


def forget_memory(device: str) -> None:
    """Give cached memory of a GPU back, and begin to look for the peak anew.

    Args:
        device: `cpu` or `cuda`.
    """
    if device == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def peak_mib(device: str) -> float | None:
    """Return the most memory that was allocated on a GPU since `forget_memory`, MiB.

    Args:
        device: `cpu` or `cuda`.

    Returns:
        The peak; None on a CPU, where one process has one peak for all that it has done.
    """
    return torch.cuda.max_memory_allocated() / 2**20 if device == "cuda" else None


def describe(device: str) -> dict[str, Any]:
    """Return the machine in words: device, memory, versions.

    Args:
        device: `cpu` or `cuda`.
    """
    found: dict[str, Any] = {
        "device": f"CPU, {torch.get_num_threads()} thread(s)",
        "torch": torch.__version__,
        "python": platform.python_version(),
    }
    if device == "cuda":
        properties = torch.cuda.get_device_properties(0)
        found["device"] = properties.name
        found["memory_gib"] = round(properties.total_memory / 2**30, 1)
        found["cuda"] = torch.version.cuda
    return found


@dataclass(frozen=True)
class Activity:
    """What some work did on a GPU.

    Attributes:
        kernels: Kernels.
        waits: Calls in which the CPU waits for the GPU.
        busy: Share of the time in which the GPU was at work, under the profiler.
    """

    kernels: int
    waits: int
    busy: float


def watch(work: Callable[[], object], device: str) -> Activity | None:
    """Do some work under PyTorch's profiler, which looks at the GPU alone: that is cheaper.

    Args:
        work: The work.
        device: `cpu` or `cuda`.

    Returns:
        What was seen; None on a CPU, where the work is not done.
    """
    if device != "cuda":
        return None
    wait_for(device)
    with profile(activities=[ProfilerActivity.CUDA]) as profiler:
        start = time.perf_counter()
        work()
        wait_for(device)
        seconds = time.perf_counter() - start
    return count_activity(profiler.events() or [], seconds)


def count_activity(events: Iterable[Any], seconds: float) -> Activity:
    """Count the events of PyTorch's profiler.

    Args:
        events: The events (`FunctionEvent`).
        seconds: Time that the work took, s.
    """
    kernels = waits = 0
    busy_us = 0.0
    for event in events:
        if event.device_type != DeviceType.CUDA:
            waits += event.name in SYNCHRONISING
        elif not event.is_user_annotation:  # a region by name, such as a step of an optimiser
            kernels += not event.name.startswith(NO_KERNELS)
            busy_us += event.time_range.elapsed_us()
    # the last wait is our own
    return Activity(kernels, max(waits - 1, 0), busy_us / 1e6 / seconds)
