"""Load a trained model from its experiment folder, and refuse files that do not fit."""

import argparse
from pathlib import Path

from espnet_soups.backbone.adapters import merge_adapters
from espnet_soups.backbone.cpu.replace import use_cpu_layers
from espnet_soups.files import read_yaml
from espnet_soups.inference.training_config import check_statistics, config_path, read_config
from espnet_soups.network.msp_model import MSPModel
from espnet_soups.task.msp_task import MSPTask
from espnet_soups.task.training.model_file import check_tensors, load_tensors

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
        model_file: A file of that folder, or a path; None: the first of `MODEL_FILES` that exists,
            or the model of an unpacked model.zip.

    Raises:
        FileNotFoundError: If there is none; the message names the files that were tried.
    """
    config_path(exp_dir)
    names = MODEL_FILES if model_file is None else (str(model_file),)
    for name in names:
        # a model of the working directory is used only if it is named
        for path in (exp_dir / name, *(() if model_file is None else (Path(name),))):
            if path.is_file():
                return path
    averaged = sorted(exp_dir.glob("valid.*.ave_*best.pth"))  # model.zip holds it without the link
    packed = averaged[0] if averaged else _packed(exp_dir)
    if model_file is None and packed is not None:
        return packed
    here = sorted(path.name for path in exp_dir.glob("*.pth"))
    raise FileNotFoundError(f"{exp_dir} has no model file {' or '.join(names)}; it has {here}.")


def _packed(exp_dir: Path) -> Path | None:
    """Return the model file of an unpacked model.zip, which `meta.yaml` above it names."""
    folder = exp_dir.resolve()
    for root in folder.parents[:3]:
        if not (root / "meta.yaml").is_file():
            continue
        named = read_yaml(root / "meta.yaml", "the table of contents of model.zip").get("files")
        for name in named.values() if isinstance(named, dict) else ():
            path = (root / str(name)).resolve()
            if path.parent == folder and path.is_file():
                return path
    return None


def load_model(
    exp_dir: Path,
    model_file: str | Path | None = None,
    device: str = "cpu",
    args: argparse.Namespace | None = None,
) -> tuple[MSPModel, argparse.Namespace]:
    """Build the model of an experiment and load its parameters, which must match exactly.

    Adapters are merged into the weights.

    Args:
        exp_dir: The folder that training wrote.
        model_file: See `find_model_file`.
        device: `cpu`, `cuda`, `cuda:0`, ...
        args: The result of `read_config`; None: read it.

    Returns:
        (the model, ready to decode; the options of its training).

    Raises:
        OSError: If a file is missing.
        ValueError: If the model file is broken or of another configuration, or the device cannot be
            used.
    """
    path = find_model_file(exp_dir, model_file)
    args = read_config(exp_dir) if args is None else args
    tensors = load_tensors(path)
    check_statistics(args, exp_dir, tensors)
    model = MSPTask.build_model(args)
    check_tensors(tensors, model.state_dict(), str(path), ADVICE)
    model.load_state_dict(tensors)
    merge_adapters(model)
    use_cpu_layers(model)
    try:
        return model.to(device).eval(), args
    except (RuntimeError, AssertionError) as error:
        raise ValueError(f"Device {device!r} cannot be used: {error}") from error
