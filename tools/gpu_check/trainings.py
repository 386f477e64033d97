"""Train the recipe's model with several soups and seeds at once, each in a process of its own."""

import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from espnet_soups.files import read_json_lines, read_yaml
from espnet_soups.free_cores import count_cores
from tools.gpu_check.features import OPTIONS

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "egs2/asterisk/msp1/conf/train_msp.yaml"
SOUPS: Mapping[str, Mapping[str, Any]] = {
    "joint": {"trainer": "default", "trainer_conf": {}},
    "vs": {"trainer_conf": {"soup": "vs"}},
    "vm_uas": {"trainer_conf": {"soup": "vm", "order": "UAS"}},
}
TO_END = 20.0  # seconds that a process has to end once it is told to


@dataclass(frozen=True)
class Schedule:
    """Length of the trainings.

    Attributes:
        epochs: Epochs of each.
        steps: Steps of an epoch.
        batch_bins: Numbers in a mini-batch; None as the recipe has it.
    """

    epochs: int
    steps: int
    batch_bins: int | None = None


def variants(soups: Sequence[str], seeds: Sequence[int]) -> dict[str, dict[str, Any]]:
    """Return the options that each training changes, by name.

    Args:
        soups: Names of soups, of `SOUPS`.
        seeds: The seeds of each soup.
    """
    return {f"{name}_seed{seed}": {**SOUPS[name], "seed": seed} for seed in seeds for name in soups}


def options_of(features: Path, own: Mapping[str, Any], schedule: Schedule) -> dict[str, Any]:
    """Return all options of a training, as its YAML file holds them.

    Args:
        features: Folder of the features.
        own: What this training changes.
        schedule: Its length.
    """
    options = read_yaml(CONFIG, "the training configuration")
    options |= read_yaml(features / OPTIONS, "the options of the features")
    if soup := own.get("trainer_conf"):  # the recipe's settings of levels and weights stay
        own = {**own, "trainer_conf": {**options["trainer_conf"], **soup}}
    options |= own
    options["scheduler_conf"] = {
        **options["scheduler_conf"],
        "total_steps": schedule.epochs * schedule.steps,
    }
    options |= {"max_epoch": schedule.epochs, "num_iters_per_epoch": schedule.steps}
    if schedule.batch_bins:
        options["batch_bins"] = schedule.batch_bins
    return options | {"log_interval": schedule.steps, "use_tensorboard": False}


def train_all(
    features: Path,
    out: Path,
    device: str,
    changes: Mapping[str, Mapping[str, Any]],
    schedule: Schedule,
    seconds: float,
) -> dict[str, Any]:
    """Train, all at once, and return what each has reached.

    Args:
        features: Folder of the features.
        out: Folder of the experiments, new.
        device: `cpu` or `cuda`.
        changes: The options that each training changes, by name.
        schedule: Length of the trainings.
        seconds: Time limit for all of them, s; then they are stopped, and what they have counts.

    Returns:
        `seconds`, `stopped` (whether any was), and `runs`: by name, see `outcome`.
    """
    start = time.perf_counter()
    running: dict[str, subprocess.Popen[bytes]] = {}
    environment = os.environ | {
        "OMP_NUM_THREADS": str(max(1, count_cores() // len(changes))),
        "PYTHONPATH": f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}",
    }
    for name, own in changes.items():
        folder = (out / name).resolve()
        folder.mkdir(parents=True)
        config = folder / "options.yaml"
        options = options_of(features, own, schedule)
        config.write_text(yaml.safe_dump(options, allow_unicode=True), encoding="utf-8")
        command = [sys.executable, "-m", "espnet_soups.bin.msp_train", "--config", str(config)]
        command += ["--ngpu", str(int(device == "cuda")), "--output_dir", str(folder)]
        with open(folder / "train.log", "wb") as log:
            running[name] = subprocess.Popen(
                command, cwd=features, stdout=log, stderr=subprocess.STDOUT, env=environment
            )
    stopped = _wait(list(running.values()), start + seconds)
    runs = {
        name: outcome(out / name, process.returncode, schedule) for name, process in running.items()
    }
    return {"seconds": time.perf_counter() - start, "stopped": stopped, "runs": runs}


def _wait(processes: Sequence["subprocess.Popen[bytes]"], until: float) -> bool:
    """Wait for processes; those that still run at a time are stopped. Return whether any was."""
    try:
        _wait_each(processes, until)
        late = [process for process in processes if process.poll() is None]
        for process in late:
            process.send_signal(signal.SIGTERM)
        _wait_each(late, time.perf_counter() + TO_END)
        return bool(late)
    finally:
        for process in processes:
            if process.poll() is None:
                process.kill()
                process.wait()


def _wait_each(processes: Sequence["subprocess.Popen[bytes]"], until: float) -> None:
    """Wait until all processes have ended, or a time has come."""
    for process in processes:
        with suppress(subprocess.TimeoutExpired):
            process.wait(max(0.0, until - time.perf_counter()))


def outcome(folder: Path, status: int, schedule: Schedule) -> dict[str, Any]:
    """Return what a training has reached.

    Args:
        folder: Its folder.
        status: Exit status of its process.
        schedule: Its length.

    Returns:
        `epochs` that are complete; of the last one `step_seconds`, `loss` and `valid_loss` (means
        over the objectives), and `distance`, how far the weights are from uniform on the level
        where they are farthest, None without a soup; `error` where no epoch is complete or a loss
        is not finite.
    """
    found: dict[str, Any] = {"status": status, "epochs": 0}
    log = folder / "soup.jsonl"
    records = read_json_lines(log, "training") if log.is_file() else []
    if not records:
        return found | {"error": f"no epoch is complete; see {folder / 'train.log'}"}
    last = records[-1]
    means = {kind: sum(last[kind].values()) / len(last[kind]) for kind in ("loss", "valid_loss")}
    found |= {
        "epochs": len(records),
        "step_seconds": last["seconds"] / schedule.steps,
        "first_loss": sum(records[0]["loss"].values()) / len(records[0]["loss"]),
        "distance": max(
            (lv["distance"] for lv in last["levels"] if "distance" in lv), default=None
        ),
        **means,
    }
    if not all(map(math.isfinite, means.values())):
        found["error"] = "a loss is not finite"
    return found
