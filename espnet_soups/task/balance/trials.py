"""Try sizes of mini-batches, each in a training process of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from math import inf
from pathlib import Path
from typing import Any

from espnet_soups.files import read_json
from espnet_soups.task.balance.largest_batch import Trial

OUT_OF_MEMORY = 75  # exit status of a trial
LOOK_SECONDS = 0.1  # between two looks at the memory of a trial


def prepare(settings: dict[str, Any]) -> dict[str, Any]:
    """Return the options of a trial, in which every optimiser step is measured.

    Nothing is resumed, plotted or logged elsewhere.

    Args:
        settings: The options of the training.
    """
    conf = dict(settings["trainer_conf"] or {})
    conf |= {"refresh": 1} if "refresh" in conf else {}
    return {
        **settings,
        "config": None,
        "trainer_conf": conf,
        "max_epoch": 1,
        "num_iters_per_epoch": None,
        "num_workers": 0,
        "resume": False,
        "dry_run": False,
        "use_tensorboard": False,
        "use_wandb": False,
        "num_att_plot": 0,
        "delta_reference": None,
        "batch_seconds": None,
    }


def try_size(settings: dict[str, Any], folder: Path, key: str, limit: float | None) -> Trial:
    """Train with one size in a fresh process.

    Args:
        settings: Options of a trial, including its size.
        folder: Folder for its files.
        key: Name of the option that is the size.
        limit: GiB that it may take; None: see `limit_gpu`.

    Raises:
        ValueError: If it ends for another reason than memory.
    """
    options, outcome = folder / "trial.json", folder / "outcome.json"
    outcome.unlink(missing_ok=True)
    options.write_text(json.dumps({"settings": settings, "outcome": str(outcome)}))
    words = [sys.executable, "-m", "espnet_soups.bin.find_batch_size", "--trial", str(options)]
    words += [] if limit is None else ["--memory_limit", str(limit)]
    with open(folder / "trial.log", "w+", encoding="utf-8") as log:
        child = subprocess.Popen(words, stdout=log, stderr=subprocess.STDOUT)
        try:
            below = stays_below(child, inf if settings["ngpu"] or limit is None else limit)
        finally:
            child.kill()
            status = child.wait()
        log.seek(0)
        lines = log.read().strip().splitlines()
    fits = below and status == 0
    if below and status not in (0, OUT_OF_MEMORY, -signal.SIGKILL):  # the system may kill it, too
        raise ValueError(
            f"A trial with {key} {settings[key]} ended with status {status}:"
            f" {lines[-1].removeprefix('error: ') if lines else 'no message'}"
        )
    found = read_json(outcome, "a trial") if outcome.is_file() else {}
    at_end = bool(found.get("whole" if fits else "smallest"))
    return Trial(fits, at_end, found.get("utterances"), found.get("gib"))


def stays_below(child: subprocess.Popen, gib: float) -> bool:
    """Wait for a process, and kill it if it takes more memory than allowed.

    Args:
        child: The process.
        gib: The main memory that it may take, GiB.

    Returns:
        Whether it ended by itself.
    """
    page = os.sysconf("SC_PAGE_SIZE")
    while child.poll() is None:
        try:
            resident = Path(f"/proc/{child.pid}/statm").read_text().split()[1:2]
        except OSError:  # it has just ended
            resident = []
        if resident and int(resident[0]) * page > gib * 2**30:
            child.kill()
            return False
        time.sleep(LOOK_SECONDS)
    return True
