"""Loads a trained model from its experiment folder, and refuses what does not fit."""

import argparse
import pickle
import zipfile
from pathlib import Path
from typing import Any

import torch
from espnet2.torch_utils.safe_torch_load import safe_torch_load
from torch import Tensor

from espnet_soups.inference.training_config import check_statistics, config_path, read_config
from espnet_soups.network.msp_model import MSPModel
from espnet_soups.task.msp_task import MSPTask
from espnet_soups.task.training.checkpoint import check_tensors

MODEL_FILES = (
    "valid.acc.ave.pth",
    "valid.acc.best.pth",
    "valid.loss.ave.pth",
    "valid.loss.best.pth",
)
ADVICE = "Use the `config.yaml` that it was trained with, or another `--model_file`."


def find_model_file(exp_dir: Path, model_file: str | Path | None = None) -> Path:
    """Find the model file of an experiment.

    Args:
        exp_dir: The folder that training wrote.
        model_file: A file of that folder, or a path; None: the first of `MODEL_FILES` that exists.

    Raises:
        FileNotFoundError: If there is none; the message says which were looked for.
    """
    config_path(exp_dir)
    names = MODEL_FILES if model_file is None else (str(model_file),)
    for name in names:
        for path in (exp_dir / name, Path(name)):
            if path.is_file():
                return path
    averaged = sorted(exp_dir.glob("valid.*.ave_*best.pth"))  # model.zip holds it without the link
    if model_file is None and averaged:
        return averaged[0]
    here = sorted(path.name for path in exp_dir.glob("*.pth"))
    raise FileNotFoundError(f"{exp_dir} has no model file {' or '.join(names)}; it has {here}.")


def load_tensors(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a model file, or those of the model in a `checkpoint.pth`.

    Raises:
        ValueError: If the file is cut short or no model file.
    """
    if not zipfile.is_zipfile(path):
        raise ValueError(f"{path} is cut short or no model file: copy it again, or train again.")
    try:
        states: Any = safe_torch_load(path, map_location="cpu")
    except (RuntimeError, pickle.UnpicklingError, EOFError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ValueError(f"{path} cannot be read as a model file: {reason}") from error
    if isinstance(states, dict) and isinstance(states.get("model"), dict):
        states = states["model"]
    if not isinstance(states, dict) or not all(map(torch.is_tensor, states.values())):
        raise ValueError(f"{path} holds no tensors by name: it is no model file.")
    return dict(states)


def load_model(
    exp_dir: Path,
    model_file: str | Path | None = None,
    device: str = "cpu",
    args: argparse.Namespace | None = None,
) -> tuple[MSPModel, argparse.Namespace]:
    """Build the model of an experiment and load its parameters; nothing may be left over.

    Args:
        exp_dir: The folder that training wrote.
        model_file: See `find_model_file`.
        device: `cpu`, `cuda`, `cuda:0`, ...
        args: What `read_config` returned; None: it is read.

    Returns:
        (the model, ready to decode; the options of its training).

    Raises:
        OSError: If a file is missing.
        ValueError: If the model file is broken or of another configuration.
    """
    path = find_model_file(exp_dir, model_file)
    args = read_config(exp_dir) if args is None else args
    tensors = load_tensors(path)
    check_statistics(args, exp_dir, tensors)
    model = MSPTask.build_model(args)
    check_tensors(tensors, model.state_dict(), str(path), ADVICE)
    model.load_state_dict(tensors)
    try:
        return model.to(device).eval(), args
    except (RuntimeError, AssertionError) as error:
        raise ValueError(f"Device {device!r} cannot be used: {error}") from error
