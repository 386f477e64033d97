"""Checks of a user's own kind: no members without effect, and no clashes with other kinds."""

import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from espnet_soups.objectives.kind import Kind, Metric, Options

# Members that are read before the training configuration, which names own kinds.
UNASKED = {
    "add_options": "options of msp_train are those of the built-in kinds; use settings"
    " below `objectives:` instead",
    "run_options": "options of run.sh are those of the built-in kinds; use settings below"
    " `objectives:` instead",
    "data_names": "the `label` of its objectives is known without it",
}


def own_kinds(options: Options) -> list[str]:
    """Return the user's own classes in some options, `module:Class`, each once.

    Args:
        options: The options of `msp_train`.

    >>> own_kinds({"objectives": {"age": {"kind": "age:Age"}, "cls_x": None}})
    ['age:Age']
    """
    given = options.get("objectives")
    settings = given.values() if isinstance(given, Mapping) else ()
    named = [item.get("kind") for item in settings if isinstance(item, Mapping)]
    return list(dict.fromkeys(name for name in map(str, named) if ":" in name))


def refuse_foreign(names: Iterable[str], allowed: Collection[str], where: Path) -> None:
    """Refuse classes that a file names and the user has not allowed: they may be a stranger's.

    Classes of modules that are already imported pass.

    Args:
        names: Names of kinds, `module:Class` for a user's own.
        allowed: Names of those that may be imported.
        where: The file.

    Raises:
        ValueError: If there is such a class.
    """
    for name in names:
        module = name.partition(":")[0]
        if ":" in name and name not in allowed and module not in sys.modules:
            raise ValueError(
                f"{where} names a class of its own, {name}, and importing it runs its code. If you"
                f" know it, allow it: `--own_kinds {name}` of the command, own_kinds=[{name!r}] of"
                f" Speech2Text.from_pretrained, or import {module} before."
            )


def refuse_unasked(name: str, found: type[Kind], known: Sequence[Kind]) -> None:
    """Refuse a class with members that have no effect.

    A class may derive from a built-in kind without options of its own; data names are then those of
    that kind, and known.

    Args:
        name: Name of the class in the configuration.
        found: The class.
        known: The built-in kinds.

    Raises:
        ValueError: If there is such a member.
    """
    theirs = {Kind, *(base for kind in known for base in type(kind).__mro__)}
    for member, why in UNASKED.items():
        owner = next(base for base in found.__mro__ if member in vars(base))
        if owner is Kind or (member == "data_names" and owner in theirs):
            continue
        whose = "" if owner is found else f" of {owner.__name__}"
        raise ValueError(
            f"`kind: {name}` has the `{member}`{whose}, which is never asked of a kind of your own:"
            f" {why}."
        )


def refuse_clashes(kind: Kind, known: Sequence[Kind]) -> None:
    """Refuse a kind with letters of `order` or names of scores that other kinds have.

    The same letter for the same objectives is no clash, nor is the same score.

    Args:
        kind: The kind.
        known: The others.

    Raises:
        ValueError: If there is a clash.
    """
    for other in known:
        for letter, glob in kind.letters.items():
            if other.letters.get(letter, glob) != glob:
                raise ValueError(
                    f"`letters` of {type(kind).__name__} has {letter!r}, which stands for"
                    f" {other.letters[letter]} ({other.title}) in `order`: take another letter."
                )
        theirs = {metric.name: metric for metric in other.metrics}
        for metric in kind.metrics:
            taken = theirs.get(metric.name, metric)
            if _meaning(taken) != _meaning(metric):
                raise ValueError(
                    f"`metrics` of {type(kind).__name__} has {metric.name!r}, which is"
                    f" {_shown(taken)} of {other.title}, not {_shown(metric)}: name yours"
                    " otherwise, or take the same title, unit and direction."
                )


def _meaning(metric: Metric) -> tuple[str, str, bool]:
    return metric.title, metric.unit, metric.lower_is_better


def _shown(metric: Metric) -> str:
    way = "lower" if metric.lower_is_better else "higher"
    return f"{metric.heading!r} ({way} is better)"
