"""Write one objective as a stock ESPnet model: the encoder with one head, under ESPnet's names."""

import argparse
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import torch
import yaml

from espnet_soups.backbone.settings import check_exportable
from espnet_soups.files import whole_file, write_text
from espnet_soups.inference.load_model import load_model
from espnet_soups.inference.training_config import read_config
from espnet_soups.network.msp_model import MSPModel
from espnet_soups.objectives.objective import Objective
from espnet_soups.objectives.registry import kind_of
from espnet_soups.objectives.stock_model import StockModel
from espnet_soups.task.training.model_file import check_tensors

MODEL_FILE = "model.pth"


def export_objective(
    exp_dir: Path,
    objective: str,
    output_dir: Path,
    model_file: str | Path | None = None,
    own_kinds: Collection[str] = (),
) -> Path:
    """Export one objective.

    Args:
        exp_dir: The folder that training wrote.
        objective: Name of the objective, such as `asr_fr`.
        output_dir: Folder for `config.yaml`, `model.pth` and the files that the configuration names
            (by absolute path, since ESPnet looks them up from the working directory).
        model_file: See `find_model_file`.
        own_kinds: Classes of kinds that may be imported, `module:Class`.

    Returns:
        The model file.

    Raises:
        OSError: If a file is missing or cannot be written.
        ValueError: If there is no such objective, or ESPnet has no model of its kind.
    """
    model, args = load_model(exp_dir, model_file, args=read_config(exp_dir, own_kinds))
    check_exportable(args)
    chosen = find_objective(model, objective)
    stock = kind_of(chosen).export(chosen, model, args)
    output_dir.mkdir(parents=True, exist_ok=True)
    config = _plain(_bring_files(stock, output_dir))
    built = stock.task.build_model(argparse.Namespace(**config))
    check_tensors(
        stock.tensors, built.state_dict(), f"The export of {objective}", "This is a defect."
    )
    with whole_file(output_dir / MODEL_FILE) as temporary:
        torch.save(stock.tensors, temporary)
    text = yaml.safe_dump(config, allow_unicode=True, sort_keys=False)
    write_text(output_dir / "config.yaml", text)
    return output_dir / MODEL_FILE


def find_objective(model: MSPModel, name: str) -> Objective:
    """Return an objective by its name.

    Args:
        model: The model.
        name: The name.

    Raises:
        ValueError: If there is no such objective; the message lists those that can be exported.
    """
    for objective in model.objectives:
        if objective.name == name:
            return objective
    names = [item.name for item in model.objectives if kind_of(item).has("export")]
    raise ValueError(f"`--objective` must be one of {names}, but got {name!r}.")


def _bring_files(stock: StockModel, output_dir: Path) -> dict[str, Any]:
    """Copy the files that the configuration names, and return it with the copies."""
    config = dict(stock.config)
    normalize = dict(config["normalize_conf"] or {})
    if "stats_file" in normalize:
        file = normalize["stats_file"]
        normalize["stats_file"] = _copy(file, output_dir, Path(file).name)
    config["normalize_conf"] = normalize
    for option in stock.files:
        if config.get(option) is not None:
            config[option] = _copy(config[option], output_dir, f"{option}.model")
    return config


def _copy(file: str, output_dir: Path, name: str) -> str:
    target = output_dir.resolve() / name
    if Path(file).resolve() != target:
        with whole_file(target) as temporary:
            shutil.copyfile(file, temporary)
    return str(target)


def _plain(value: Any) -> Any:
    """Return a value in YAML's own types, since ESPnet's defaults hold tuples."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)
