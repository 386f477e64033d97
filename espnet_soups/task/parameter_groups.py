"""Give the backbone and the heads learning rates of their own, in one optimiser."""

import argparse
from collections.abc import Collection, Mapping
from typing import Any

import torch

from espnet_soups.network.msp_model import MSPModel

# Settings of a scheduler that are learning rates: they become one value per group.
RATES = {"onecyclelr": ("max_lr",), "cycliclr": ("base_lr", "max_lr")}
# Schedulers that set one rate for all groups.
ONE_RATE = (
    "cosineannealingwarmuprestarts",
    "exponentialdecaywarmup",
    "piecewiselinearwarmuplr",  # during its warm-up
)


def scale_learning_rates(
    args: argparse.Namespace, model: MSPModel, optimizer: torch.optim.Optimizer
) -> None:
    """Scale the learning rates of backbone and heads, and let a warm-up begin with the first step.

    Args:
        args: The options `backbone_lr_scale` and `heads_lr_scale`; learning rates among the
            settings of the scheduler become one value per group, in place.
        model: The model; modules that objectives share are the backbone.
        optimizer: ESPnet's optimiser, before its first step.

    Raises:
        ValueError: If a scale is not positive, or the scheduler has one rate for all.
    """
    scales = {}
    for part in ("backbone", "heads"):
        scales[part] = float(getattr(args, f"{part}_lr_scale"))
        if scales[part] <= 0:
            raise ValueError(f"`{part}_lr_scale` must be positive, but got {scales[part]}.")
    if any(scale != 1.0 for scale in scales.values()):
        _scale(args, model, optimizer, scales)
    begin_warm(args, optimizer)


def _scale(
    args: argparse.Namespace,
    model: MSPModel,
    optimizer: torch.optim.Optimizer,
    scales: Mapping[str, float],
) -> None:
    if args.scheduler in ONE_RATE:
        raise ValueError(
            f"`scheduler: {args.scheduler}` has one learning rate for all parameters, so"
            " `backbone_lr_scale` and `heads_lr_scale` must be 1: use e.g. warmuplr or onecyclelr."
        )
    prefixes = tuple(f"{name}." for name in model.shared_modules)
    backbone = {id(p) for name, p in model.named_parameters() if name.startswith(prefixes)}
    factors = split_groups(optimizer, backbone, scales["backbone"], scales["heads"])
    conf: dict[str, Any] = dict(args.scheduler_conf)
    for name in RATES.get(args.scheduler, ()):
        if name in conf and not isinstance(conf[name], list):
            conf[name] = [float(conf[name]) * factor for factor in factors]
    args.scheduler_conf = conf


def begin_warm(args: argparse.Namespace, optimizer: torch.optim.Optimizer) -> None:
    """Lower the rate of the first step if ESPnet's warm-up would begin with the second.

    `warmupreducelronplateau` sets its first rate after a step, so that the very first step would be
    made at the full rate.

    Args:
        args: The options.
        optimizer: The optimiser, before its first step.
    """
    if args.scheduler != "warmupreducelronplateau":
        return
    steps = args.scheduler_conf.get("warmup_steps", 25000)  # ESPnet's default
    for group in optimizer.param_groups:
        group["initial_lr"] = group["lr"]  # the scheduler's full rate
        group["lr"] = group["lr"] / steps


def split_groups(
    optimizer: torch.optim.Optimizer,
    backbone: Collection[int],
    backbone_scale: float,
    heads_scale: float,
) -> list[float]:
    """Split each group into backbone and heads, and scale their rates.

    Args:
        optimizer: The optimiser, before its first step; changed in place.
        backbone: `id` of every parameter of the backbone.
        backbone_scale: Factor on the rate of the backbone.
        heads_scale: Factor on the rate of all other parameters.

    Returns:
        The scale of each new group.
    """
    groups = list(optimizer.param_groups)
    optimizer.param_groups.clear()
    factors = []
    for group in groups:
        options = {key: value for key, value in group.items() if key != "params"}
        for shared, scale in ((True, backbone_scale), (False, heads_scale)):
            members = [p for p in group["params"] if (id(p) in backbone) == shared]
            if members:
                scaled = {**options, "lr": options["lr"] * scale}
                optimizer.add_param_group({"params": members, **scaled})
                factors.append(scale)
    return factors
