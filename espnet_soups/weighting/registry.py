"""Combiners by name: the only place that knows them all."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from espnet_soups.objectives.objective import match_names
from espnet_soups.settings import refuse_unknown, require_number
from espnet_soups.weighting.catalogue import EXTRA, PACKAGES, REFUSED, SOURCES
from espnet_soups.weighting.combiner import Combiner, Shown
from espnet_soups.weighting.conflict_free import ConFIG
from espnet_soups.weighting.dwa import DWA
from espnet_soups.weighting.famo import FAMO
from espnet_soups.weighting.modo import MoDo
from espnet_soups.weighting.nash_mtl import NashMTL
from espnet_soups.weighting.static import Constant, MeasureOnly, Static, Uniform
from espnet_soups.weighting.torchjd import GRAM_WEIGHTINGS, TorchJD, option_defaults
from espnet_soups.weighting.torchjd_losses import (
    LOSS_SCALARIZERS,
    TorchJDLosses,
    loss_option_defaults,
)

OURS: Mapping[str, type[Combiner]] = {
    "config": ConFIG,
    "constant": Constant,
    "dwa": DWA,
    "famo": FAMO,
    "mean": Uniform,
    "measure_only": MeasureOnly,
    "modo": MoDo,
    "nash_mtl": NashMTL,
    "static": Static,
    "sum": Uniform,
}
SMOOTHED = "cr_mogm"
SMOOTHED_OPTIONS = {"base": "mgda", "base_conf": {}, "alpha": 0.9}


def combiner_names() -> list[str]:
    """List the valid values of `combiner:`."""
    return sorted(SOURCES)


def combiner_options(name: str) -> dict[str, Any]:
    """Return the options of a combiner with their defaults; None where an option has none.

    Args:
        name: One of `combiner_names()`.
    """
    if name == SMOOTHED:
        return dict(SMOOTHED_OPTIONS)
    if name in LOSS_SCALARIZERS:
        return loss_option_defaults(name)
    if name in GRAM_WEIGHTINGS:
        seed = {"seed": 0} if GRAM_WEIGHTINGS[name].random else {}
        return option_defaults(name) | seed
    if OURS[name].__init__ is object.__init__:
        return {}
    parameters = list(inspect.signature(OURS[name].__init__).parameters.values())[1:]
    return {
        item.name: None if item.default is inspect.Parameter.empty else item.default
        for item in parameters
    }


def combiner_needs(name: str) -> str:
    """Return the input of a combiner: `cross Gram`, `Gram`, `losses` or `nothing`.

    Args:
        name: One of `combiner_names()`.
    """
    if name == SMOOTHED:
        return "Gram"
    if name in LOSS_SCALARIZERS:
        return "losses"
    if name in GRAM_WEIGHTINGS:
        how = GRAM_WEIGHTINGS[name]
        return "nothing" if name == "random" else "Gram" if how.symmetric else "cross Gram"
    kind = OURS[name]
    if kind.measures:
        return "Gram" if kind.symmetric else "cross Gram"
    return "losses" if kind.needs_losses else "nothing"


def combiner_remembers(name: str) -> bool:
    """Return True if a combiner has a state of its own, beside the weights.

    Args:
        name: One of `combiner_names()`.
    """
    if name in GRAM_WEIGHTINGS:
        return GRAM_WEIGHTINGS[name].stateful or GRAM_WEIGHTINGS[name].random
    if name in LOSS_SCALARIZERS:
        return LOSS_SCALARIZERS[name].learns
    return name == SMOOTHED or OURS[name].remembers


def combiner_table() -> list[tuple[str, str, str, str, str]]:
    """List all combiners: name, input, how it resumes, options, source."""
    rows = []
    for name in combiner_names():
        options = ", ".join(f"{key}={value}" for key, value in combiner_options(name).items())
        package = f"; pip install '{EXTRA}'" if name in PACKAGES else ""
        resumes = "exactly, with its state" if combiner_remembers(name) else "exactly"
        rows.append((name, combiner_needs(name), resumes, options or "-", SOURCES[name] + package))
    return rows


def build_combiner(
    name: str, options: Mapping[str, Any], names: Sequence[str] = (), level: int = 1
) -> Combiner:
    """Build a combiner, and run it once if the objectives are known.

    Args:
        name: One of `combiner_names()`.
        options: Its options (`combiner_conf` in YAML). A value for each objective is a list, or a
            mapping from globs over names to numbers (1 for those that no glob matches).
        names: Names of the objectives of its level.
        level: The level, from 1.

    Returns:
        The combiner.

    Raises:
        ValueError: If the name, an option or its value is not valid; the message lists the valid
            ones. If an optional package is missing, the message names the command that installs it.
    """
    if name in REFUSED:
        raise ValueError(f"`combiner: {name}` cannot be offered: {REFUSED[name]}.")
    if name not in SOURCES:
        raise ValueError(f"`combiner` must be one of {combiner_names()}, but got {name!r}.")
    refuse_unknown(f"`combiner_conf` of {name}", options, sorted(combiner_options(name)))
    try:
        _check_numbers(name, options)
        combiner = _build(name, options, names, level)
        combiner.name = name
        size = len(names)
        if size > 1:
            eye = torch.eye(size, dtype=torch.float64)
            shown = Shown(eye, eye.sum(dim=0))
            combiner(combiner.initial(size), shown, {})
    except ImportError as error:
        raise ValueError(
            f"`combiner: {name}` lacks a package: pip install '{EXTRA}'. {error}."
        ) from error
    except (TypeError, ValueError, RuntimeError) as error:
        level_text = f" for the {len(names)} objectives of level {level}" if names else ""
        raise ValueError(f"`combiner_conf` of {name} is not valid{level_text}: {error}") from error
    return combiner


def _check_numbers(name: str, options: Mapping[str, Any]) -> None:
    """Refuse text where the default is a number; lists per objective are checked later."""
    for key, default in combiner_options(name).items():
        is_number = isinstance(default, int | float) and not isinstance(default, bool)
        if is_number and not isinstance(options.get(key, default), Mapping | list | tuple):
            require_number(f"`{key}`", options.get(key, default))


def _build(name: str, options: Mapping[str, Any], names: Sequence[str], level: int) -> Combiner:
    values = dict(options)
    if name == SMOOTHED:
        values = {**SMOOTHED_OPTIONS, **values}
        base, base_conf = values.pop("base"), dict(values.pop("base_conf"))
        if base not in GRAM_WEIGHTINGS:
            raise ValueError(f"`base` must be one of {sorted(GRAM_WEIGHTINGS)}, but got {base!r}.")
        build_combiner(base, base_conf, names, level)  # checks its options
        return TorchJD(base, *_split_seed(_vectors(base_conf, names), level), smoothing=values)
    values = _vectors(values, names)
    if name in LOSS_SCALARIZERS:
        return TorchJDLosses(name, values)
    if name in GRAM_WEIGHTINGS:
        return TorchJD(name, *_split_seed(values, level))
    return OURS[name](**values)


def _split_seed(values: dict[str, Any], level: int) -> tuple[dict[str, Any], int, int]:
    """Take the seed, which is ours, out of the options of TorchJD."""
    seed = values.pop("seed", 0)
    if not isinstance(seed, int) or seed < 0:
        raise ValueError(f"`seed` must be a whole number, not negative, but got {seed!r}.")
    return values, level, seed


def _vectors(values: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Turn lists and mappings into one number per objective."""
    return {key: _vector(key, value, names) for key, value in values.items()}


def _vector(key: str, value: Any, names: Sequence[str]) -> Any:
    numbers: Tensor
    if isinstance(value, Mapping):
        by_name = dict.fromkeys(names, 1.0)
        for pattern, number in value.items():
            by_name |= dict.fromkeys(match_names(pattern, list(names)), float(number))
        numbers = torch.tensor(list(by_name.values()), dtype=torch.float64)
    elif isinstance(value, (list, tuple)):
        numbers = torch.tensor([float(number) for number in value], dtype=torch.float64)
    else:
        return value
    if key == "weights" and names and len(numbers) != len(names):
        raise ValueError(f"`{key}` needs {len(names)} numbers, one per objective of {list(names)}.")
    return numbers
