"""Count the cores of this machine that are free; nothing here imports torch."""

import os
import time
from collections.abc import Sequence
from pathlib import Path

SECONDS = 0.5  # how long other work is watched
SHARE = 0.7  # a core that others use less than 30 % of is worth a thread
_STAT = Path("/proc/stat")
_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def count_cores() -> int:
    """Return how many cores this process may use, by its affinity and its container's quota."""
    quota = _read_quota()
    cores = len(usable_cores()) or os.cpu_count() or 1
    return cores if quota is None else max(1, min(cores, int(quota)))


def usable_cores() -> list[int]:
    """Return the numbers of the cores that this process may run on; empty if they are unknown."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def measure_free_cores(seconds: float = SECONDS) -> float | None:
    """Return how many cores other work leaves free, from 0 to all; this process sleeps meanwhile.

    Args:
        seconds: How long to watch.

    Returns:
        The number, which may be a fraction; None: this system does not show it.
    """
    cores = usable_cores()
    before = _idle_ticks(cores)
    time.sleep(seconds)
    after = _idle_ticks(cores)
    if before is None or after is None:
        return None
    return sum(
        min(1.0, max(0.0, (idle - idle_before) / max(1, total - total_before)))
        for (idle_before, total_before), (idle, total) in zip(before, after, strict=True)
    )


def choose_threads(free: float | None, most: int) -> int:
    """Return how many threads to use, at least 1.

    Args:
        free: Cores that other work leaves free; None: unknown.
        most: The largest number wanted.

    >>> [choose_threads(free, 4) for free in (None, 0.0, 0.9, 1.6, 1.8, 8.0)]
    [4, 1, 1, 1, 2, 4]
    """
    return most if free is None else max(1, min(most, int(free + 1 - SHARE)))


def _read_quota() -> float | None:
    try:
        quota, period = _QUOTA.read_text(encoding="ascii").split()
        return float(quota) / float(period)
    except (OSError, ValueError):  # no control groups, or "max": no quota
        return None


def _idle_ticks(cores: Sequence[int]) -> list[tuple[int, int]] | None:
    """Return (idle, all) ticks of each core since the machine was started."""
    try:
        lines = _STAT.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    ticks = {}
    for name, *numbers in (line.split() for line in lines if line.startswith("cpu")):
        user, nice, system, idle, waiting, *others = (int(number) for number in numbers[:8])
        ticks[name] = (idle + waiting, user + nice + system + idle + waiting + sum(others))
    found = [ticks.get(f"cpu{core}") for core in cores]
    return None if not found or None in found else [pair for pair in found if pair is not None]
