"""Refuse names of parameters and statistics that the model does not have."""

import argparse
import difflib
from collections.abc import Iterable, Sequence
from typing import Any

from espnet_soups.network.msp_model import MSPModel
from espnet_soups.settings import refuse_unknown
from espnet_soups.task.training.delta import signed_losses

CRITERIA = ("best_model_criterion", "early_stopping_criterion", "val_scheduler_criterion")
CLOSEST = 3


def check_names(args: argparse.Namespace, model: MSPModel, scores: Sequence[str] = ()) -> None:
    """Compare the names in the options with those of the model.

    Args:
        args: The options: `freeze_param`, and the criteria of selection, stopping and scheduler.
        model: The model.
        scores: Further statistics of validation: scores while training.

    Raises:
        ValueError: If a name matches nothing: ESPnet would silently ignore it.
    """
    check_parameters("freeze_param", args.freeze_param, [n for n, _ in model.named_parameters()])
    for option in CRITERIA:
        given = getattr(args, option)
        for phase, name, *_ in given if option == "best_model_criterion" else [given]:
            refuse_unknown(f"`{option}`", [phase], ["train", "valid"])
            single = option != "best_model_criterion"
            known = statistics_of(model, phase, with_slash=single)
            known += [n for n in scores if phase == "valid" and (single or "/" not in n)]
            refuse_unknown(f"`{option}` of {phase}", [name], known)
            if name == "delta":
                check_delta(option, model)


def check_delta(option: str, model: MSPModel) -> None:
    """Refuse `delta` as a criterion if it would compare no loss.

    Args:
        option: Name of the option, for the message.
        model: The model.

    Raises:
        ValueError: If the losses of all objectives may be negative.
    """
    left_out = signed_losses(model)
    if len(left_out) == len(model.objectives):
        raise ValueError(
            f"`{option}` names `delta`, the mean relative improvement of losses, but those of"
            f" {', '.join(left_out)} may be negative, as in dB: select by `loss`."
        )


def check_parameters(option: str, prefixes: Iterable[str], names: Sequence[str]) -> None:
    """Check that modules or parameters exist.

    Args:
        option: How the message names the option.
        prefixes: Names of modules or parameters, without a dot at the end.
        names: The parameters of the model.

    Raises:
        ValueError: If one matches no parameter; the message has the closest modules.
    """
    parts = {
        ".".join(name.split(".")[:depth])
        for name in names
        for depth in range(1, name.count(".") + 2)
    }
    for prefix in prefixes:
        if prefix not in parts:
            close = difflib.get_close_matches(prefix, sorted(parts), n=CLOSEST, cutoff=0.5)
            top = sorted({name.partition(".")[0] for name in names})
            hint = f"closest: {', '.join(close)}; " if close else ""
            raise ValueError(
                f"`{option}` names {prefix!r}, which matches no parameter ({hint}the model has"
                f" {', '.join(top)}): give the name of a module or a parameter."
            )


def statistics_of(model: MSPModel, phase: str, with_slash: bool) -> list[str]:
    """List the statistics that a criterion may use.

    Args:
        model: The model.
        phase: `train` or `valid`.
        with_slash: Whether to include those of single objectives, whose names cannot name a file.

    Returns:
        Their names.
    """
    heads: list[Any] = [model.heads[objective.name] for objective in model.objectives]
    scored = any(
        head.has_accuracy and (phase == "valid" or head.scored_in_training) for head in heads
    )
    names = ["loss", *(["acc"] if scored else []), *(["delta"] if phase == "valid" else [])]
    if with_slash:
        own = [objective.name for objective in model.objectives]
        names += [f"{kind}/{name}" for kind in names[: 1 + scored] for name in own]
    return names
