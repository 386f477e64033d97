"""A folder to run jobs in, and the command as a user calls it."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RunJobs = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def job_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let job processes find this package, also where it is not installed."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))


@pytest.fixture
def run_jobs(tmp_path: Path, job_environment: None) -> RunJobs:
    """Return a function that runs `run_jobs` in `tmp_path` and captures what it prints."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "espnet_soups.bin.run_jobs", *arguments]
        return subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
        )

    return run


@pytest.fixture
def fake_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Return a function that puts a bash script of a given name first on PATH."""
    folder = tmp_path / "fake_bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    def make(name: str, body: str) -> None:
        path = folder / name
        path.write_text(f"#!/bin/bash\n{body}\n")
        path.chmod(0o755)

    return make
