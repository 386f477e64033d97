"""Runs pieces of bash with the recipe template's functions, as msp.sh does."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tiny_recipe import ROOT, write_recipe

SCRIPTS = Path(__file__).parents[2] / "egs2/TEMPLATE/msp1/scripts"
Bash = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def bash(tmp_path: Path) -> Bash:
    """Return a function that runs a script with arguments in `tmp_path`, under strict settings."""

    def run(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        head = f"set -euo pipefail\n. {SCRIPTS}/options.sh\n. {SCRIPTS}/stages.sh\n"
        return subprocess.run(
            ["bash", "-c", head + script, "msp.sh", *arguments],
            cwd=tmp_path,
            env=os.environ | {"LC_ALL": "C.UTF-8"},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    return run


@pytest.fixture(scope="module")
def recipe() -> Iterator[Path]:
    """A tiny recipe of this process."""
    folder = ROOT / "egs2" / f"tmp_{os.getpid()}" / "msp1"
    write_recipe(folder)
    yield folder
    shutil.rmtree(folder.parent)
