"""Plan of levels, combiners and layers from a table of conflicts, as docs/conflict.md explains."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from espnet_soups.conflict.table import WHOLE, Row
from espnet_soups.conflict.words import Pair, find_pairs, number
from espnet_soups.objectives.objective import match_names

MOST_LEVELS = 3  # as in the paper
LARGEST_PENALTY = 1.5  # where the paper's curve ends


@dataclass(frozen=True)
class Plan:
    """Plan of a soup, with its reasons.

    Attributes:
        levels: Names of the objectives of each level, the top level first.
        moves: Whether the weights of each level move.
        layers: Layers that feed the weights; empty for all.
        reasons: One sentence for each decision.
    """

    levels: tuple[tuple[str, ...], ...]
    moves: tuple[bool, ...]
    layers: tuple[str, ...]
    reasons: tuple[str, ...]

    def settings(self) -> dict[str, Any]:
        """Return the plan as `trainer_conf`, to replace all settings of a soup with these keys."""
        combiners = ["modo" if moves else "static" for moves in self.moves]
        found: dict[str, Any]
        if len(self.levels) == 1 and not any(self.moves):
            found = {"soup": "joint", "levels": [], "penalty": [], "combiner": "static"}
            return {**found, "combiner_conf": {}}
        found = {
            "soup": "custom",
            "levels": [list(level) for level in self.levels],
            "penalty": [
                {"level": position, "max": LARGEST_PENALTY}
                for position in range(2, len(self.levels) + 1)
            ],
            "combiner": combiners,
            "combiner_conf": [{} for _ in combiners],
        }
        if any(self.moves):
            found["layers"] = list(self.layers) or "all"
        return found


@dataclass
class _Groups:
    """Groups of objectives, with the pairs between them."""

    pairs: Mapping[tuple[str, str], Pair]
    members: list[tuple[str, ...]]
    reasons: list[str] = field(default_factory=list)

    def between(self, one: Sequence[str], other: Sequence[str]) -> list[Pair]:
        """Return the pairs across two groups."""
        return [self.pairs.get((a, b)) or self.pairs[b, a] for a in one for b in other]

    def conflicts_inside(self, group: Sequence[str]) -> list[Pair]:
        """Return the pairs of a group that conflict, each once."""
        return [
            pair for names, pair in self.pairs.items() if pair.sign < 0 and {*names} <= {*group}
        ]

    def mean(self, one: Sequence[str], other: Sequence[str]) -> float:
        """Return the mean cosine across two groups, with unknown ones as 0."""
        values = [pair.whole.value for pair in self.between(one, other)]
        return sum(0.0 if math.isnan(value) else value for value in values) / len(values)

    def conflicts(self, one: Sequence[str], other: Sequence[str]) -> list[Pair]:
        """Return the pairs across two groups that conflict."""
        return [pair for pair in self.between(one, other) if pair.sign < 0]

    def merge(self, one: tuple[str, ...], other: tuple[str, ...]) -> None:
        """Merge two groups, at the place of the first."""
        place = self.members.index(one)
        self.members.remove(other)
        self.members[place] = one + other


def plan_soup(
    rows: Sequence[Row],
    supervised: Mapping[str, bool],
    checkpoint: str,
    top: str = "",
    most_levels: int = MOST_LEVELS,
    source: str = "The table",
) -> Plan:
    """Place objectives on levels, by their conflicts at one checkpoint.

    Args:
        rows: The table.
        supervised: The objectives of the run, in order, each with whether it learns from labels.
        checkpoint: The checkpoint to use.
        top: The top level: an objective, a glob, or the beginning of names such as `st`; empty for
            the group with the weakest gradients, which a plain sum would neglect.
        most_levels: Largest number of levels.
        source: Name of the table, for messages.

    Returns:
        The plan.

    Raises:
        ValueError: If the table has no such checkpoint, or other objectives than the run, or no
            objective matches `top`.
    """
    names = list(supervised)
    own = _rows_of(rows, checkpoint, names, source)
    pairs = find_pairs(own)
    first = _find_top(top, names)
    if not any(pair.sign < 0 for pair in pairs.values()):
        known = sum(not math.isnan(pair.whole.value) for pair in pairs.values())
        reason = (
            f"No two objectives conflict at {checkpoint}: none of {known} known cosines is below 0"
            " when all are tested together. One level with static weights, which is joint"
            " training, leaves nothing to resolve."
        )
        return Plan((tuple(names),), (False,), (), (reason,))
    groups = _Groups(pairs, [(name,) for name in names])
    _merge_what_agrees(groups)
    _merge_down_to(groups, most_levels)
    levels = _put_in_order(groups, own, supervised, first)
    inside = [groups.conflicts_inside(level) for level in levels]
    moves = tuple(bool(found) for found in inside)
    for position, found in enumerate(inside, start=1):
        if found:
            groups.reasons.append(
                f"The weights of level {position} move (MoDo): {_listed(found)} conflict inside it."
            )
    if not any(moves):
        groups.reasons.append("No conflict is left inside a level, so weights are static.")
    layers = _layers([pair for found in inside for pair in found])
    if layers:
        groups.reasons.append(f"Only layers that conflict feed the weights: {', '.join(layers)}.")
    return Plan(tuple(levels), moves, layers, tuple(groups.reasons))


def _rows_of(rows: Sequence[Row], checkpoint: str, names: Sequence[str], source: str) -> list[Row]:
    """Return the rows of a checkpoint.

    Raises:
        ValueError: If there are none, or they are about other objectives.
    """
    there = list(dict.fromkeys(row.checkpoint for row in rows))
    if checkpoint not in there:
        raise ValueError(f"{source} has no checkpoint {checkpoint!r}; it has {there}.")
    own = [row for row in rows if row.checkpoint == checkpoint]
    measured = {row.first for row in own if row.quantity == "norm"}
    if measured != set(names):
        raise ValueError(
            f"{source} is about the objectives {sorted(measured)}, but this run has"
            f" {sorted(names)}: it is of another recipe, or of other languages. Run stage 8 here."
        )
    return own


def _find_top(top: str, names: Sequence[str]) -> list[str]:
    if not top:
        return []
    if top in names:
        return [top]
    return match_names(top if any(sign in top for sign in "*?[") else f"{top}_*", names)


def _merge_what_agrees(groups: _Groups) -> None:
    """Merge groups without a conflict between them, those that agree most first."""
    while True:
        free = [
            (one, other)
            for one, other in combinations(groups.members, 2)
            if not groups.conflicts(one, other)
        ]
        if not free:
            break
        groups.merge(*max(free, key=lambda pair: groups.mean(*pair)))
    for one, other in combinations(groups.members, 2):
        groups.reasons.append(
            f"{_joined(one)} and {_joined(other)} stand apart:"
            f" {_listed(groups.conflicts(one, other))} conflict."
        )


def _merge_down_to(groups: _Groups, most_levels: int) -> None:
    """Merge the groups that conflict least while there are too many."""
    while len(groups.members) > most_levels:
        one, other = max(combinations(groups.members, 2), key=lambda pair: groups.mean(*pair))
        groups.reasons.append(
            f"{_joined(one)} and {_joined(other)} share a level nonetheless: there may be"
            f" {most_levels}, and they conflict least (mean cosine {groups.mean(one, other):.2f})."
        )
        groups.merge(one, other)


def _put_in_order(
    groups: _Groups, rows: Sequence[Row], supervised: Mapping[str, bool], first: Sequence[str]
) -> list[tuple[str, ...]]:
    """Return the groups, the top level first."""
    norms = {
        row.first: 0.0 if math.isnan(row.value) else row.value
        for row in rows
        if row.group == WHOLE and row.quantity == "norm"
    }

    def weakness(group: Sequence[str]) -> float:
        return -sum(norms[name] for name in group) / len(group)

    learns = [group for group in groups.members if any(supervised[name] for name in group)]
    if first:
        top = max(groups.members, key=lambda group: sum(name in first for name in group))
        groups.reasons.append(f"{_joined(top)} on top: as asked for.")
    else:
        top = max(learns or groups.members, key=weakness)
        groups.reasons.append(
            f"{_joined(top)} on top: its gradients are the weakest, so a plain sum would"
            " neglect it. Choose another by --top."
        )
    rest = [group for group in groups.members if group != top]
    rest.sort(key=lambda group: (group in learns, groups.mean(top, group)), reverse=True)
    if len(rest) > 1:
        groups.reasons.append(
            "Below: objectives with labels first, then by agreement with the top:"
            f" {'; '.join(_joined(group) for group in rest)}."
        )
    return [top, *rest]


def _layers(pairs: Sequence[Pair]) -> tuple[str, ...]:
    """Return the modules in which any of the pairs conflict, in order of their names."""
    return tuple(dict.fromkeys(name for pair in pairs for name in pair.conflicting))


def _joined(names: Sequence[str]) -> str:
    return ", ".join(names)


def _listed(pairs: Sequence[Pair]) -> str:
    worst = sorted(pairs, key=lambda pair: pair.whole.value)
    texts = [f"{p.whole.first} and {p.whole.second} ({number(p.whole)})" for p in worst[:3]]
    others = len(worst) - len(texts)
    more = f" and {others} more pair{'s' if others > 1 else ''}" if others else ""
    return ", ".join(texts) + more
