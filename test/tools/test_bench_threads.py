"""The benchmark of threads: what it asks its workers for, and the busy processes beside them."""

import pytest

from tools.benchmark import threads
from tools.benchmark.threads import busy_processes, measure


def test_every_way_of_waiting_makes_steps_with_each_choice_of_threads(monkeypatch):
    asked = []

    def answer(process, number):
        asked.append((process, number))
        return {"1": 0.4, "3": 0.2}[number] * (2 if process == "slow" else 1)

    monkeypatch.setattr(threads, "ask", answer)
    monkeypatch.setattr(threads, "count_cores", lambda: 3)
    monkeypatch.setattr(threads, "measure_free_cores", lambda: 1.2)
    rows = measure({0: "quick", 10000: "slow"}, 2)
    assert len(asked) == 2 * 2 * 3
    found = {(row["spins"], row["threads"]): row["seconds"] for row in rows}
    assert found[0, "3"] == pytest.approx(0.2)
    assert found[10000, "3"] == pytest.approx(0.4)
    assert found[0, "by load"] == found[0, "1"] == pytest.approx(0.4)  # 1.2 free cores: one thread


def test_busy_processes_run_until_the_end_and_no_longer(monkeypatch):
    started = []
    begin = threads.subprocess.Popen

    def remember(*words, **options):
        started.append(begin(*words, **options))
        return started[-1]

    monkeypatch.setattr(threads.subprocess, "Popen", remember)
    with busy_processes(2):
        assert [process.poll() for process in started] == [None, None]
    assert all(process.poll() is not None for process in started)
