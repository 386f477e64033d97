"""Cores that other work leaves free."""

import os
import subprocess
import sys
import time

import pytest

from espnet_soups import free_cores
from espnet_soups.free_cores import count_cores, measure_free_cores

STAT = (
    "cpu  0 0 0 0 0 0 0 0 0 0\ncpu0 {} 0 0 {} 0 0 0 0 0 0\ncpu1 {} 0 0 {} 0 0 0 0 0 0\nintr 1 2\n"
)


@pytest.fixture
def stat(tmp_path, monkeypatch):
    """A machine of two cores whose counters change while it is watched."""
    path = tmp_path / "stat"
    monkeypatch.setattr(free_cores, "_STAT", path)
    monkeypatch.setattr(free_cores, "usable_cores", lambda: [0, 1])

    def between(before, after):
        path.write_text(STAT.format(*before))
        monkeypatch.setattr(time, "sleep", lambda _: path.write_text(STAT.format(*after)))

    return between


@pytest.mark.parametrize(
    ("after", "free"),
    [
        ((0, 100, 0, 100), 2.0),
        ((100, 0, 0, 100), 1.0),
        ((25, 75, 75, 25), 1.0),
        ((100, 0, 100, 0), 0.0),
        ((0, 0, 0, 0), 0.0),  # no tick has passed: nothing was seen to be idle
    ],
)
def test_idle_shares_of_the_cores_are_added(stat, after, free: float):
    stat(
        (10, 20, 30, 40),
        [start + more for start, more in zip((10, 20, 30, 40), after, strict=True)],
    )
    assert measure_free_cores(0.0) == pytest.approx(free)


def test_a_system_without_counters_is_not_known(tmp_path, monkeypatch):
    monkeypatch.setattr(free_cores, "_STAT", tmp_path / "none")
    assert measure_free_cores(0.0) is None


def test_cores_outside_the_affinity_do_not_count(stat, monkeypatch):
    stat((0, 0, 0, 0), (0, 100, 0, 100))
    monkeypatch.setattr(free_cores, "usable_cores", lambda: [1])
    assert measure_free_cores(0.0) == pytest.approx(1.0)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system cannot bind processes")
def test_a_busy_process_on_the_same_core_is_seen():
    core = min(os.sched_getaffinity(0))
    busy = subprocess.Popen(
        [sys.executable, "-c", f"import os; os.sched_setaffinity(0, [{core}])\nwhile True: pass"]
    )
    code = (
        f"import os; os.sched_setaffinity(0, [{core}])\n"
        "from espnet_soups.free_cores import measure_free_cores\n"
        "print(measure_free_cores(1.0))"
    )
    try:
        time.sleep(0.5)
        run = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
    finally:
        busy.kill()
        busy.wait()
    assert float(run.stdout) < 0.2


@pytest.mark.parametrize(
    ("quota", "cores"),
    [("max 100000", 8), ("250000 100000", 2), ("50000 100000", 1), ("1600000 100000", 8)],
)
def test_the_quota_of_a_container_counts(tmp_path, monkeypatch, quota: str, cores: int):
    path = tmp_path / "cpu.max"
    path.write_text(f"{quota}\n")
    monkeypatch.setattr(free_cores, "_QUOTA", path)
    monkeypatch.setattr(free_cores, "usable_cores", lambda: list(range(8)))
    assert count_cores() == cores
