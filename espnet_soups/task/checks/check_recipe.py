"""Build a model before its data exist, so that a mistake costs seconds and not hours."""

import argparse
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from espnet2.tasks.abs_task import optim_classes, scheduler_classes
from typeguard import TypeCheckError

from espnet_soups.network.msp_model import MSPModel
from espnet_soups.objectives.decoding.decode_config import DecodeConfig
from espnet_soups.objectives.registry import by_kind, kind_of
from espnet_soups.task.checks.check_schedule import check_schedule
from espnet_soups.task.interpret import objectives_of
from espnet_soups.task.msp_task import MSPTask
from espnet_soups.task.training.checkpoint import check_init_param

DISK_GIB = 2
SUBMIT_COMMANDS = {"local": "bash", "slurm": "sbatch", "ssh": "ssh"}


@dataclass(frozen=True)
class TrialModel:
    """Model that a configuration describes.

    Attributes:
        levels: Names of the objectives of each level, the top level first; one level without soup.
        parameters: Number of trainable parameters by part, without vocabularies.
        model: The model itself.
        warning: Warning of a schedule that does not last as long as training; None: it does.
    """

    levels: tuple[tuple[str, ...], ...]
    parameters: dict[str, int]
    model: MSPModel
    warning: str | None = None


def check_machine(ngpu: int, backend: str, expdir: Path) -> None:
    """Check GPUs, the command of the backend, and the free space on the disk.

    Args:
        ngpu: Number of GPUs that are wanted.
        backend: `local`, `slurm` or `ssh`.
        expdir: Folder of the experiments; it is made if missing.

    Raises:
        ValueError: If this machine lacks GPUs that are wanted.
        OSError: If a command is missing or the disk is almost full.
    """
    command = SUBMIT_COMMANDS[backend]
    if shutil.which(command) is None:
        raise OSError(f"The backend {backend} (cmd.sh) needs `{command}`, which is not installed.")
    if backend == "local" and ngpu > torch.cuda.device_count():
        raise ValueError(
            f"`--ngpu {ngpu}` is more than the {torch.cuda.device_count()} GPUs of this machine;"
            " use `--ngpu 0` to train on the CPU."
        )
    expdir.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(expdir).free / 2**30
    if free < DISK_GIB:
        raise OSError(f"{expdir.resolve()} has {free:.1f} GiB left; {DISK_GIB} GiB are needed.")


def build_trial_model(
    config: Path, arguments: Sequence[str], declared: Mapping[str, Any]
) -> TrialModel:
    """Build model, soup, optimiser and scheduler of a training configuration.

    Args:
        config: The YAML file.
        arguments: Further options of `msp_train`, without data and vocabularies.
        declared: Options that follow from those of `run.sh`, see `Kind.options_of_run`.

    Returns:
        The model, with a summary.

    Raises:
        ValueError: If an option is not valid.
    """
    args = parse_trial_options(config, arguments)
    for option, value in declared.items():
        setattr(args, option, value)
    for kind, objectives in by_kind(objectives_of(args)).items():
        kind.stand_in(objectives, args)
    MSPTask.check_required_command_args(args)
    model = MSPTask.build_model(args)
    for name, parameter in model.named_parameters():  # as ESPnet does before the optimiser
        if any(name == part or name.startswith(f"{part}.") for part in args.freeze_param):
            parameter.requires_grad = False
    check_start(args, model)
    args.init_param = []  # compared with the model, which still has stand-ins
    check_optimization(args, model)
    names = [objective.name for objective in model.objectives]
    levels = [list(range(len(names)))] if model.soup is None else model.soup.hierarchy.levels
    return TrialModel(
        levels=tuple(tuple(names[index] for index in level) for level in levels),
        parameters=count_parameters(model),
        model=model,
        warning=check_schedule(vars(args), args.num_iters_per_epoch),
    )


def check_decoding(model: MSPModel, config: DecodeConfig) -> None:
    """Check that every head has the parts that the decoding configuration needs.

    Args:
        model: The model.
        config: Settings of the decoding.

    Raises:
        ValueError: If a head lacks a part.
    """
    for objective in model.objectives:
        head: Any = model.heads[objective.name]
        kind_of(objective).check_decoding(objective, head, config)


def check_start(args: argparse.Namespace, model: MSPModel) -> None:
    """Check the files of `--init_param` against a model that has stand-ins for vocabularies.

    Args:
        args: The options; `normalizes` says whether training normalises with statistics.
        model: The trial model, which does not.

    Raises:
        ValueError: If a file lacks a tensor that training will take from it, or has other modules.
        OSError: If there is no such file.
    """
    expected = model.state_dict()
    if args.normalizes:
        size = args.input_size or model.frontend.output_size()  # type: ignore[union-attr]
        expected |= {f"normalize.{name}": torch.zeros(size) for name in ("mean", "std")}

    def sized(name: str) -> bool:
        return not name.partition(".")[0].endswith("heads")

    if not args.ignore_init_mismatch:
        for setting in args.init_param:
            check_init_param(setting, expected, sized)


def check_optimization(args: argparse.Namespace, model: MSPModel) -> None:
    """Build optimiser and scheduler, as ESPnet does before the first step.

    Args:
        args: The options.
        model: The model.

    Raises:
        ValueError: If one of them does not accept its options; the message names the option.
    """
    refused = (ValueError, TypeError, AttributeError, ZeroDivisionError, TypeCheckError)
    try:
        optim_classes[args.optim](model.parameters(), **args.optim_conf)
    except refused as error:
        raise ValueError(_refusal("optim", args, error)) from error
    optimizers = MSPTask.build_optimizers(args, model)
    if args.scheduler is None:
        return
    try:
        scheduler_classes[args.scheduler](optimizers[0], **args.scheduler_conf)
    except refused as error:
        raise ValueError(_refusal("scheduler", args, error)) from error


def _refusal(option: str, args: argparse.Namespace, error: Exception) -> str:
    name, conf = getattr(args, option), getattr(args, f"{option}_conf")
    reason = " ".join(str(error).split()).rstrip(".")
    return f"`{option}: {name}` does not take `{option}_conf: {conf}`: {reason}."


def parse_trial_options(config: Path, arguments: Sequence[str]) -> argparse.Namespace:
    """Parse the options of training, without normalisation, whose statistics do not exist yet.

    Args:
        config: The YAML file.
        arguments: Further options of `msp_train`.

    Returns:
        The options, with `normalizes`: whether training normalises.

    Raises:
        ValueError: If an option is not valid.
    """
    words = ["--config", str(config), "--output_dir", "trial", *arguments]
    args: argparse.Namespace = MSPTask.get_parser().parse_args(words)
    args.normalizes = str(args.normalize).lower() == "global_mvn"
    args.normalize = None
    return args


def count_parameters(model: MSPModel) -> dict[str, int]:
    """Count trainable parameters by part: encoder, and the heads of each kind of objective.

    Args:
        model: The model.

    Returns:
        Name of the part to its number of parameters.
    """
    counts: dict[str, int] = {}
    for name, parameter in model.named_parameters():
        first, second = (*name.split("."), "")[:2]
        part = f"{second.partition('_')[0]} heads" if first.endswith("heads") else first
        counts[part] = counts.get(part, 0) + parameter.numel() * parameter.requires_grad
    return counts


def describe_model(model: TrialModel) -> str:
    """Return a summary of a few lines: levels with their penalties, and parameters.

    Args:
        model: The trial model.
    """
    soup = model.model.soup
    schedules = (None,) if soup is None else soup.clock.penalties.schedules
    places = ["top" if schedule is None else f"penalty {schedule}" for schedule in schedules]
    lines = [
        f"  level {position} ({place}): {', '.join(names)}"
        for position, (place, names) in enumerate(zip(places, model.levels, strict=True), start=1)
    ]
    parts = ", ".join(f"{part} {number / 1e6:.2f} M" for part, number in model.parameters.items())
    return "\n".join([*lines, f"  parameters without vocabularies: {parts}"])
