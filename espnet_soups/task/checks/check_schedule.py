"""Check that the schedule of the learning rate lasts as long as training."""

from collections.abc import Mapping
from typing import Any

# Schedulers for a fixed number of optimiser steps, with the setting of that number.
STEPS = {
    "onecyclelr": "total_steps",
    "tristagelr": "max_steps",
    "exponentialdecaywarmup": "total_steps",
}
EPOCHS = {"cosineannealinglr": "T_max"}  # for a fixed number of epochs
ENDS = ("onecyclelr",)  # they allow no further step


def check_schedule(settings: Mapping[str, Any], batches: int | None) -> str | None:
    """Compare the length of a schedule with that of training.

    Args:
        settings: The options of the run.
        batches: Mini-batches of an epoch; None: not known yet.

    Returns:
        A warning if the learning rate ends too early or never reaches its end; None: it is well.

    Raises:
        ValueError: If training would make steps for which the schedule has none.
    """
    name, epochs = settings["scheduler"], settings["max_epoch"]
    conf = settings["scheduler_conf"] or {}
    if name in EPOCHS:
        option, planned, needed = EPOCHS[name], conf.get(EPOCHS[name]), epochs
        sum_of = f"`max_epoch` {epochs}"
    elif name in STEPS and batches is not None:
        accumulated = settings["accum_grad"]
        option, planned = STEPS[name], _planned(name, conf)
        needed = batches // accumulated * epochs
        sum_of = f"{batches:,} mini-batches x `max_epoch` {epochs} / `accum_grad` {accumulated}"
    else:
        return None
    if not isinstance(planned, int | float) or planned == needed or needed == 0:
        return None
    unit = "epochs" if name in EPOCHS else "steps"
    fact = f"`scheduler: {name}` lasts {planned:,} {unit}, but training {needed:,} ({sum_of})"
    if planned < needed and name in ENDS:
        raise ValueError(f"{fact}, and would end in an error: set `{option}: {needed}`.")
    result = "ends before training" if planned < needed else "never comes down to its end"
    return f"{fact}, so that the learning rate {result}: set `{option}: {needed}`"


def _planned(name: str, conf: Mapping[str, Any]) -> Any:
    """Return the steps of a schedule; PyTorch's may be given as epochs and steps of each."""
    planned = conf.get(STEPS[name])
    if planned is None and name in ENDS and {"epochs", "steps_per_epoch"} <= set(conf):
        return conf["epochs"] * conf["steps_per_epoch"]
    return planned
