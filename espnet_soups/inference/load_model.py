"""Loads a trained model from its experiment folder, and refuses what does not fit."""

import argparse
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import yaml
from espnet2.torch_utils.safe_torch_load import safe_torch_load
from torch import Tensor

from espnet_soups.backbone.settings import without_hub
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
    """Finds the model file of an experiment.

    Args:
        exp_dir: The folder that training wrote.
        model_file: A file of that folder, or a path; None: the first of `MODEL_FILES` that exists.

    Raises:
        FileNotFoundError: If there is none; the message says which were looked for.
    """
    if not (exp_dir / "config.yaml").is_file():
        raise FileNotFoundError(
            f"{exp_dir} has no config.yaml: give the folder that training wrote, such as"
            " exp/msp_<tag>."
        )
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


def read_config(exp_dir: Path) -> argparse.Namespace:
    """Reads the training configuration; files that it names are found from anywhere.

    Raises:
        FileNotFoundError: If a file that it names is nowhere.
        ValueError: If it is not the configuration of a multi-objective model.
    """
    path = exp_dir / "config.yaml"
    try:
        options = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ValueError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from error
    if not isinstance(options, dict) or "asr_token_list" not in options:
        raise ValueError(
            f"{path} has no `asr_token_list`: it is not the configuration of a multi-objective"
            " model."
        )
    args = argparse.Namespace(**options)
    args.trainer, args.init = "default", None  # the soup is of training alone
    without_hub(args)
    normalize = dict(args.normalize_conf or {})
    if "stats_file" in normalize:
        normalize["stats_file"] = str(_locate(normalize["stats_file"], exp_dir))
    args.normalize_conf = normalize
    for option in ("asr_bpemodel", "st_bpemodel"):
        models: Mapping[str, str] = getattr(args, option)
        found = {language: str(_locate(file, exp_dir)) for language, file in models.items()}
        setattr(args, option, found)
    return args


def load_tensors(path: Path) -> dict[str, Tensor]:
    """Reads the tensors of a model file, or those of the model in a `checkpoint.pth`.

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
    exp_dir: Path, model_file: str | Path | None = None, device: str = "cpu"
) -> tuple[MSPModel, argparse.Namespace]:
    """Builds the model of an experiment and loads its parameters; nothing may be left over.

    Args:
        exp_dir: The folder that training wrote.
        model_file: See `find_model_file`.
        device: `cpu`, `cuda`, `cuda:0`, ...

    Returns:
        (the model, ready to decode; the options of its training).

    Raises:
        OSError: If a file is missing.
        ValueError: If the model file is broken or of another configuration.
    """
    path = find_model_file(exp_dir, model_file)
    args = read_config(exp_dir)
    tensors = load_tensors(path)
    model = MSPTask.build_model(args)
    check_tensors(tensors, model.state_dict(), str(path), ADVICE)
    model.load_state_dict(tensors)
    try:
        return model.to(device).eval(), args
    except (RuntimeError, AssertionError) as error:
        raise ValueError(f"Device {device!r} cannot be used: {error}") from error


def _locate(file: str, exp_dir: Path) -> Path:
    """Finds a file that was named from the recipe's folder, from wherever we are."""
    folders = [Path(), exp_dir, *exp_dir.resolve().parents[:3]]
    for path in [*(folder / file for folder in folders), exp_dir / Path(file).name]:
        if path.is_file():
            return path.resolve()
    raise FileNotFoundError(
        f"{exp_dir / 'config.yaml'} names {file}, which is neither in the working directory nor"
        f" beside the model: put it into {exp_dir}."
    )
