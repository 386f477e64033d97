"""Train the models of an arm with ESPnet's own commands, one after the other."""

import os
import resource
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from espnet_soups.files import read_json, write_json, write_text
from espnet_soups.report.train_log import read_train_log
from tools.stock.models import StockModel

ROOT = Path(__file__).parents[2]
CONFIG, TRAINED = "train.yaml", "trained.json"
MADE_BY = "the training of this model"
TIMES = {"seconds": float, "cpu_seconds": float, "wall_seconds": float}
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def model_file(folder: Path, model: StockModel) -> Path:
    """Return the average of the best epochs that ESPnet's training leaves.

    Args:
        folder: Folder of the model.
        model: The model.
    """
    return folder / f"valid.{model.criterion[0]}.ave.pth"


def train_model(folder: Path, model: StockModel, options: Mapping[str, Any]) -> dict[str, Any]:
    """Train a model, or return what its finished training took; an interrupted one is resumed.

    Args:
        folder: Folder of the model.
        model: The model.
        options: ESPnet's options.

    Returns:
        Seconds of the training steps, CPU seconds and seconds of the whole command, and parameters.

    Raises:
        ValueError: If ESPnet fails, or the folder holds a training with other options.
    """
    text = yaml.safe_dump(dict(options), allow_unicode=True, sort_keys=False)
    config, done = folder / CONFIG, folder / TRAINED
    if config.is_file() and config.read_text(encoding="utf-8") != text:
        raise ValueError(
            f"{config} holds other options than this run has: remove {folder.parent}, or name"
            " another --expdir."
        )
    if done.is_file() and model_file(folder, model).is_file():
        return read_json(done, MADE_BY, TIMES | {"parameters": int})
    folder.mkdir(parents=True, exist_ok=True)
    write_text(config, text)
    times = run_command([f"espnet2.bin.{model.task}_train", "--config", str(config)], folder)
    log = read_train_log(folder)
    if not model_file(folder, model).is_file() or log.parameters is None:
        raise ValueError(
            f"{folder / 'train.log'}: ESPnet has ended, but has left no"
            f" {model_file(folder, model).name}."
        )
    record = times | {"seconds": sum(log.seconds.values()), "parameters": log.parameters}
    write_json(done, record)
    return record


def run_command(words: Sequence[str], folder: Path, log: str = "train.log") -> dict[str, float]:
    """Run a Python module with one thread, and return its CPU seconds and seconds.

    Args:
        words: Name of the module, and its options.
        folder: Folder of the log.
        log: Name of the log, to which output is appended.

    Raises:
        ValueError: If it fails.
    """
    places = [str(ROOT), *filter(None, os.environ.get("PYTHONPATH", "").split(":"))]
    variables = os.environ | dict.fromkeys(THREADS, "1") | {"PYTHONPATH": ":".join(places)}
    used, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    with (folder / log).open("ab") as output:
        ended = subprocess.run(
            [sys.executable, "-m", *words],
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if ended.returncode:
        last = (folder / log).read_text(encoding="utf-8", errors="replace").strip().split("\n")[-1]
        raise ValueError(
            f"{words[0]} has failed with status {ended.returncode}; see {folder / log}, which ends"
            f" with: {last}"
        )
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime
    return {
        "cpu_seconds": round(cpu, 1),
        "wall_seconds": round(time.perf_counter() - began, 1),
    }
