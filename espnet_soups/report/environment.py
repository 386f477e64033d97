"""Origin of a result: versions, revision, machine."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = ("espnet-soups", "espnet", "torch", "torchjd", "jiwer", "sacrebleu")
# Files that stage 13 itself writes do not make a working tree dirty.
IGNORED = (":(top)", ":(exclude,top,glob)**/RESULTS.md", ":(exclude,top,glob)**/results.jsonl")


def describe_environment() -> dict[str, Any]:
    """Return date, versions, git revision and hardware of this machine."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        **{name: _version(name) for name in PACKAGES},
        "git": git_revision(Path(__file__).parent),
        "system": f"{platform.system()} {platform.machine()}",
        "cpu": cpu_model(Path("/proc/cpuinfo")),
        "cpus": os.cpu_count(),
        "cpus_usable": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None,
        "gpus": gpu_models(),
        "omp_num_threads": os.environ.get("OMP_NUM_THREADS"),
    }


def git_revision(folder: Path) -> str | None:
    """Return the commit of a tracked folder, with `-dirty` if tracked files were changed.

    Args:
        folder: A folder of the repository.

    Returns:
        The hash; None if the folder is in no repository (an installed wheel) or there is no git.
    """
    if _git(folder, "ls-files", "--error-unmatch", ".") is None:
        return None
    commit = _git(folder, "rev-parse", "HEAD")
    changes = _git(folder, "status", "--porcelain", "--untracked-files=no", "--", *IGNORED)
    return f"{commit}-dirty" if commit and changes else commit


def cpu_model(path: Path) -> str:
    """Return the name of the processor.

    Args:
        path: Linux's /proc/cpuinfo; other systems lack it.
    """
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n") if path.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def gpu_models() -> list[str]:
    """Return the name of each GPU from NVIDIA's driver; empty if there is no driver."""
    try:
        done = subprocess.run(
            ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"],
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        return []
    lines = done.stdout.split("\n") if done.returncode == 0 else []
    return [line.strip() for line in lines if line.strip()]


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
