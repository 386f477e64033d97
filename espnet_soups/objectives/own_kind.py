"""What a kind of a user's own may not have: members that are asked of no such kind, and clashes."""

import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from espnet_soups.objectives.kind import Kind, Metric, Options

# Members that are read before the training configuration is, which names own kinds.
UNASKED = {
    "add_options": "options of msp_train are those of the kinds that come along; take settings"
    " below `objectives:` instead",
    "run_options": "options of run.sh are those of the kinds that come along; take settings below"
    " `objectives:` instead",
    "data_names": "the `label` of its objectives is known without it",
}


def own_kinds(options: Options) -> list[str]:
    """Return the classes of a user's own that options name, `module:Class`, each once.

    >>> own_kinds({"objectives": {"age": {"kind": "age:Age"}, "cls_x": None}})
    ['age:Age']
    """
    given = options.get("objectives")
    settings = given.values() if isinstance(given, Mapping) else ()
    named = [item.get("kind") for item in settings if isinstance(item, Mapping)]
    return list(dict.fromkeys(name for name in map(str, named) if ":" in name))


def refuse_foreign(names: Iterable[str], allowed: Collection[str], where: Path) -> None:
    """Refuse classes that a file names and nobody has agreed to import: it may be a stranger's.

    What is imported already is no news to anybody.

    Args:
        names: Kinds, those of a user's own as `module:Class`.
        allowed: Those that may be imported.
        where: The file.

    Raises:
        ValueError: If there is one.
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
    """Refuse a class with members that would do nothing.

    A class may derive from a kind that comes along, if that has no options of its own: then data
    names are those of that kind, and known.

    Args:
        name: How the configuration names the class.
        found: The class.
        known: The kinds that come along.

    Raises:
        ValueError: If it has one.
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
    """Refuse a kind that takes letters of `order` or names of scores that others have.

    The same letter for the same objectives is none, nor a score that is the same.

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
