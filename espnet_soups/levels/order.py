"""Levels of objectives, from the words of the paper (`soup: vm`, `order: USA`)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from espnet_soups.objectives.objective import Objective, match_names

SOUPS = ("joint", "vs", "vc", "vm", "custom")


@dataclass(frozen=True)
class Levels:
    """Objectives on levels.

    Attributes:
        names: Names of the objectives of each level, the top level first.
        dropped: Letters of the order that stand for no objective of this run.
    """

    names: tuple[tuple[str, ...], ...]
    dropped: str = ""


def arrange_levels(
    soup: str,
    objectives: Sequence[Objective],
    letters: Mapping[str, str],
    order: str = "USA",
    levels: Sequence[Sequence[str]] = (),
) -> Levels:
    """Place every objective on one level.

    Args:
        soup: `joint` or `vs` (one level), `vc` (self-supervision below the rest), `vm` (by
            `order`) or `custom` (by `levels`).
        objectives: All objectives of the run.
        letters: Letters of an order, each mapped to globs over names of objectives, separated by
            spaces.
        order: For `vm`: letters read bottom-up, e.g. `USA` = self-supervision, then translation,
            recognition on top.
        levels: For `custom`: globs over objective names, the top level first.

    Returns:
        The levels.

    Raises:
        ValueError: If a name is unknown, a level is empty, or an objective is on two levels or
            on none.

    Source:
        The three recipes of "Objective Soups" (arXiv 2508.09228); its orders are bottom-up.
    """
    names = [objective.name for objective in objectives]
    if soup in ("joint", "vs"):
        return Levels((tuple(names),))
    if soup == "vc":
        supervised = tuple(item.name for item in objectives if item.supervised)
        lower = tuple(item.name for item in objectives if not item.supervised)
        return Levels((supervised, lower)) if lower else Levels((supervised,), dropped="U")
    if soup == "vm":
        return _arrange_by_order(order, names, letters)
    if soup == "custom":
        return Levels(_check_partition(_expand(levels, names), names, "`levels`"))
    raise ValueError(f"`soup` must be one of {list(SOUPS)}, but got {soup!r}.")


def _arrange_by_order(order: str, names: list[str], letters: Mapping[str, str]) -> Levels:
    unknown = not isinstance(order, str) or set(order) - set(letters)
    if unknown or not order or len(set(order)) != len(order):
        raise ValueError(
            f"`order` must use each of the letters {list(letters)} at most once, bottom-up,"
            f" e.g. USA, but got {order!r}."
        )
    found, dropped = [], ""
    for letter in reversed(order):
        globs = letters[letter].split()
        named = tuple(name for name in names if any(fnmatchcase(name, glob) for glob in globs))
        if named:
            found.append(named)
        else:
            dropped = letter + dropped
    return Levels(_check_partition(tuple(found), names, f"`order: {order}`"), dropped)


def _expand(levels: Sequence[Sequence[str]], names: list[str]) -> tuple[tuple[str, ...], ...]:
    if not levels or not all(map(_are_names, levels if isinstance(levels, list | tuple) else [0])):
        raise ValueError(
            "`soup: custom` needs `levels`, the top level first, none of them empty, e.g."
            f" [[st_*], [asr_*]], but got {levels!r}."
        )
    return tuple(
        tuple(name for pattern in level for name in match_names(pattern, names)) for level in levels
    )


def _are_names(level: object) -> bool:
    listed = level if isinstance(level, list | tuple) else []
    return bool(listed) and all(isinstance(name, str) for name in listed)


def _check_partition(
    levels: tuple[tuple[str, ...], ...], names: list[str], source: str
) -> tuple[tuple[str, ...], ...]:
    placed = [name for level in levels for name in level]
    twice = sorted({name for name in placed if placed.count(name) > 1})
    missing = [name for name in names if name not in placed]
    if twice or missing:
        raise ValueError(
            f"{source} must place every objective on one level, but"
            + (f" {twice} are placed twice." if twice else f" {missing} are on none.")
        )
    return levels
