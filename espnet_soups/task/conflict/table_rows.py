"""Turn estimates into rows of the table of conflicts."""

from collections.abc import Sequence
from itertools import combinations, product

import torch
from torch import Tensor

from espnet_soups.conflict.table import WHOLE, Row
from espnet_soups.gradients.batch_pairs import GradientRelations
from espnet_soups.gradients.jackknife import Interval


def rows_of(
    relations: GradientRelations, checkpoint: str, groups: Sequence[str], names: Sequence[str]
) -> list[Row]:
    """Return the rows of one measured checkpoint.

    Args:
        relations: The measurement.
        checkpoint: Name of the checkpoint.
        groups: Names of the groups of parameters, in the order of `relations`.
        names: Names of the objectives, in the order of `relations`.
    """
    rows = []
    counts = relations.batches.tolist()
    norm, share = _norm(relations), _alone(relations.signal_share)
    for g, group in enumerate(groups):
        for i, name in enumerate(names):
            place = (checkpoint, group, name, "")
            rows.append(_row(place, "norm", norm, (g, i), counts[i]))
            rows.append(_row(place, "signal_share", share, (g, i), counts[i]))
        for i, j in combinations(range(len(names)), 2):
            place, fewer = (checkpoint, group, names[i], names[j]), min(counts[i], counts[j])
            rows.append(_row(place, "cosine", relations.cosine, (g, i, j), fewer))
            rows.append(_row(place, "norm_ratio", relations.norm_ratio, (g, i, j), fewer))
        place = (checkpoint, group, "", "")
        rows.append(_row(place, "mean_cosine", relations.mean_cosine, (g,), min(counts)))
    return rows


def affinity_rows(
    affinity: Interval, checkpoint: str, names: Sequence[str], batches: Tensor
) -> list[Row]:
    """Return the rows of affinities: the step is along `first`, the loss is that of `second`.

    Args:
        affinity: The affinities, `(m, m)`.
        checkpoint: Name of the checkpoint.
        names: Names of the objectives.
        batches: Number of batches with labels of each objective, `(m,)`.
    """
    counts = batches.tolist()
    return [
        _row(
            (checkpoint, WHOLE, names[i], names[j]),
            "affinity",
            affinity,
            (i, j),
            min(counts[i], counts[j]),
        )
        for i, j in product(range(len(names)), repeat=2)
    ]


def _row(
    place: tuple[str, str, str, str],
    quantity: str,
    found: Interval,
    index: tuple[int, ...],
    batches: int,
) -> Row:
    value, low, high, p = (float(x[index]) for x in (found.value, found.low, found.high, found.p))
    return Row(*place, quantity, value, low, high, p, batches)


def _norm(relations: GradientRelations) -> Interval:
    """Return the norms; NaN if they cannot be distinguished from 0."""
    square = relations.square
    value, low, high = (
        x.where(relations.clear, torch.nan).sqrt() for x in (square.value, square.low, square.high)
    )
    return Interval(value, low, high, torch.full_like(value, torch.nan))


def _alone(value: Tensor) -> Interval:
    """Return an interval of numbers that have no bounds."""
    nothing = torch.full_like(value, torch.nan)
    return Interval(value, nothing, nothing, nothing)
