"""cmd.sh: one variable chooses where the jobs run."""

import os
import subprocess
from pathlib import Path

TEMPLATE = Path(__file__).parents[2] / "egs2/TEMPLATE/msp1"


def source(backend: str | None) -> subprocess.CompletedProcess[str]:
    environment = os.environ | ({"cmd_backend": backend} if backend else {})
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", f". {TEMPLATE}/cmd.sh; echo ${{decode_cmd}}"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_jobs_run_on_this_machine_unless_told_otherwise() -> None:
    command = "python -m espnet_soups.bin.run_jobs --backend"
    assert source(None).stdout == f"{command} local --end_with_parent\n"
    assert source("ssh").stdout == f"{command} ssh --end_with_parent\n"


def test_an_unknown_backend_is_refused_with_the_valid_ones() -> None:
    result = source("pbs")
    assert result.returncode == 2
    assert "cmd_backend=pbs is not known; choose local, slurm or ssh" in result.stderr
