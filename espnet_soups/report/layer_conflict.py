"""Conflict in each layer over time, from `soup.jsonl` or from checkpoints of stage 8."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from espnet_soups.conflict.table import WHOLE, Row

STATISTICS = ("mean", "worst")


@dataclass(frozen=True)
class LayerCourse:
    """Conflict of each layer over epochs or checkpoints; NaN where unknown.

    Attributes:
        layers: Names of the layers.
        times: Labels of the columns: epochs, or names of checkpoints.
        mean: Mean cosine over all pairs with its interval, [L, T, 3].
        worst: The same for the pair that conflicts most.
    """

    layers: list[str]
    times: list[str]
    mean: NDArray[np.float64]
    worst: NDArray[np.float64]


@dataclass(frozen=True)
class PairCosines:
    """The cosines of all pairs at one checkpoint, on all shared parameters.

    Attributes:
        checkpoint: Its name.
        objectives: Names of the objectives.
        cosine: The cosines with intervals, [m, m, 3]; NaN where unknown.
        p: Two-sided p values, [m, m].
    """

    checkpoint: str
    objectives: list[str]
    cosine: NDArray[np.float64]
    p: NDArray[np.float64]


def read_layers(records: Sequence[Mapping[str, Any]]) -> LayerCourse | None:
    """Read the conflict of each layer from the records of epochs; None if no layer was measured.

    Args:
        records: The lines of soup.jsonl.
    """
    layers = list(dict.fromkeys(name for record in records for name in record.get("layers") or {}))
    if not layers:
        return None
    found = {s: np.full((len(layers), len(records), 3), np.nan) for s in STATISTICS}
    for column, record in enumerate(records):
        for name, own in (record.get("layers") or {}).items():
            for statistic in STATISTICS:
                numbers = np.array(own[statistic], dtype=np.float64)  # null: NaN
                found[statistic][layers.index(name), column] = numbers
    times = [str(record["epoch"]) for record in records]
    return LayerCourse(layers, times, found["mean"], found["worst"])


def layers_of_table(rows: Sequence[Row]) -> LayerCourse:
    """Return the conflict of each module at every checkpoint of a table.

    The worst pair is the one whose interval ends lowest; intervals are widened for the number of
    pairs (Bonferroni).

    Args:
        rows: The table of stage 8.
    """
    pairs = len({(row.first, row.second) for row in rows if row.quantity == "cosine"})
    layers = list(dict.fromkeys(row.group for row in rows if row.group != WHOLE))
    times = list(dict.fromkeys(row.checkpoint for row in rows))
    mean = np.full((len(layers), len(times), 3), np.nan)
    worst = np.full_like(mean, np.nan)
    for row in rows:
        if row.group == WHOLE:
            continue
        place = layers.index(row.group), times.index(row.checkpoint)
        numbers = np.array([row.value, row.low, row.high])
        if row.quantity == "mean_cosine":
            mean[place] = numbers
        elif row.quantity == "cosine":
            numbers = row.value + _widening(row.batches, pairs) * (numbers - row.value)
            if numbers[2] < np.nan_to_num(worst[place][2], nan=np.inf):
                worst[place] = numbers
    return LayerCourse(layers, times, mean, worst)


def _widening(batches: int, pairs: int) -> float:
    """Return the factor by which 95 % intervals must grow to hold for all of many pairs."""
    free = max(1, batches - 1)
    return float(stats.t.ppf(1 - 0.025 / pairs, free) / stats.t.ppf(0.975, free))


def pairs_of_table(rows: Sequence[Row]) -> list[PairCosines]:
    """Return the cosines of all pairs at every checkpoint of a table.

    Args:
        rows: The table of stage 8.
    """
    found = []
    for checkpoint in dict.fromkeys(row.checkpoint for row in rows):
        own = [row for row in rows if row.checkpoint == checkpoint and row.group == WHOLE]
        names = [row.first for row in own if row.quantity == "norm"]
        cosine = np.full((len(names), len(names), 3), np.nan)
        p = np.full((len(names), len(names)), np.nan)
        for row in own:
            if row.quantity == "cosine":
                i, j = names.index(row.first), names.index(row.second)
                cosine[i, j] = cosine[j, i] = (row.value, row.low, row.high)
                p[i, j] = p[j, i] = row.p
        found.append(PairCosines(checkpoint, names, cosine, p))
    return found
