"""Time modes in turn, so that a slow minute of the machine affects all of them alike."""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch

CLOCKS: Mapping[str, Callable[[], float]] = {
    "wall": time.perf_counter,
    "cpu": time.process_time,
}


def interleaved_seconds(
    steps: Mapping[str, Callable[[], None]],
    rounds: int,
    steps_per_round: int,
    progress: Callable[[int], None],
    device: str = "cpu",
    clock: str = "wall",
) -> dict[str, list[float]]:
    """Time every mode in every round.

    Args:
        steps: Function that makes one update, by mode.
        rounds: Turns of each mode, after one that is not counted.
        steps_per_round: Updates of each turn, a whole period of the longest `refresh`.
        progress: Function that is called with the number of every finished round.
        device: Device of the work; a GPU is synchronised.
        clock: Which seconds, one of `CLOCKS`: `wall`, or `cpu` of this process, which other work on
            the machine leaves almost alone.

    Returns:
        Mode to the seconds of an update in each round.
    """
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    now = CLOCKS[clock]
    for number in range(rounds + 1):
        for name, step in steps.items():
            start = now()
            for _ in range(steps_per_round):
                step()
            if device == "cuda":
                torch.cuda.synchronize()
            if number:
                seconds[name].append((now() - start) / steps_per_round)
        progress(number)
    return seconds


def median_ratio(values: Sequence[float], baseline: Sequence[float]) -> float:
    """Return the median over rounds of the ratio within a round.

    Args:
        values: One value per round.
        baseline: The value to divide by, per round.

    >>> median_ratio([2.0, 6.0, 9.0], [1.0, 2.0, 3.0])
    3.0
    """
    return statistics.median(a / b for a, b in zip(values, baseline, strict=True))


def peak_memory_mib(device: str = "cpu") -> float:
    """Return the peak memory of this process, resident or allocated on the GPU, MiB.

    Args:
        device: `cpu` or `cuda`.

    Raises:
        OSError: If the system does not say (it is read from /proc, which Linux has).
    """
    if device == "cuda":
        return torch.cuda.max_memory_allocated() / 2**20
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise OSError("/proc/self/status has no line VmHWM, so peak memory is unknown here.")


def device_name(device: str) -> str:
    """Return the name of a device: that of the card, or `CPU` with the number of threads.

    Args:
        device: `cpu` or `cuda`.
    """
    if device == "cuda":
        return torch.cuda.get_device_name()
    return f"CPU, {torch.get_num_threads()} thread(s)"


def memory_in_fresh_process(config: str, mode: str, device: str = "cpu") -> float:
    """Return the peak memory of a mode in a process of its own, MiB.

    Args:
        config: Name or path of the configuration.
        mode: Name of the mode.
        device: `cpu` or `cuda`.

    Raises:
        OSError: If that process fails; the message ends with its last line.
    """
    command = [sys.executable, "-m", "tools.benchmark.steps"]
    command += ["--config", config, "--memory_of", mode, "--device", device]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise OSError(f"Measuring the memory of {mode} failed: {last}")
    return float(json.loads(done.stdout.strip().splitlines()[-1])["peak_mib"])
