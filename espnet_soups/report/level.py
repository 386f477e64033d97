"""The levels of a soup as recorded by a training: weights and penalty of each, by epoch."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Level:
    """Level with k objectives over E epochs; NaN where a value is unknown.

    Attributes:
        objectives: Names of the k objectives.
        combiner: Name of its combiner; None if not recorded, as without a soup.
        moves: Whether the combiner ever moves a weight; None if not recorded.
        penalties: c at the end of each epoch, [E].
        weights: λ at the end of each epoch, [E, k].
        mean_weights: λ, mean over the steps of each epoch, [E, k].
        distances: Total variation distance of `weights` from uniform, from 0 to 1 − 1/k, [E].
        mean_distances: The same, mean over the steps of each epoch, [E].
    """

    objectives: list[str]
    combiner: str | None
    moves: bool | None
    penalties: NDArray[np.float64]
    weights: NDArray[np.float64]
    mean_weights: NDArray[np.float64]
    distances: NDArray[np.float64]
    mean_distances: NDArray[np.float64]

    @property
    def can_move(self) -> bool:
        """True if any weight can move: the weight of a single objective is always 1."""
        return bool(self.moves) and len(self.objectives) > 1


def read_levels(records: Sequence[Mapping[str, Any]]) -> list[Level]:
    """Read the levels, the top level first.

    Args:
        records: The E lines of soup.jsonl, at least one.

    Raises:
        ValueError: If a level does not have one weight per objective.
    """
    return [
        _read_level([record["levels"][index] for record in records])
        for index in range(len(records[-1]["levels"]))
    ]


def _read_level(entries: Sequence[Mapping[str, Any]]) -> Level:
    names, last = list(entries[-1]["objectives"]), entries[-1]
    means = [
        {**entry, "weights": entry.get("mean_weights") or [None] * len(entry["objectives"])}
        for entry in entries
    ]
    return Level(
        objectives=names,
        combiner=last.get("combiner"),
        moves=last.get("moves"),
        penalties=to_array(entry["penalty"] for entry in entries),
        weights=_weights(entries, names),
        mean_weights=_weights(means, names),
        distances=to_array(entry.get("distance") for entry in entries),
        mean_distances=to_array(entry.get("mean_distance") for entry in entries),
    )


def to_array(values: Iterable[Any]) -> NDArray[np.float64]:
    """Return values as an array, with NaN for None.

    Args:
        values: Numbers, or None.

    >>> to_array([1, None]).tolist()
    [1.0, nan]
    """
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def _weights(entries: Sequence[Mapping[str, Any]], names: Sequence[str]) -> NDArray[np.float64]:
    rows = [dict(zip(entry["objectives"], entry["weights"], strict=True)) for entry in entries]
    return np.array([to_array(row[name] for name in names) for row in rows])
