"""Make tables of conflicts with planted cosines, for tests."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from espnet_soups.conflict.table import Row

Matrix = NDArray[np.float64] | Sequence[Sequence[float]]
LAYERS = ("encoder.encoders.0", "encoder.encoders.1")


def plant(
    names: Sequence[str],
    cosines: Matrix,
    error: float = 0.05,
    norms: Sequence[float] | None = None,
    layers: Mapping[str, Matrix] | None = None,
    checkpoint: str = "start",
    affinity: Matrix | None = None,
) -> list[Row]:
    """Return rows with the given cosines; NaN: not known.

    Args:
        names: Names of the objectives.
        cosines: The cosines of all pairs, `(m, m)`.
        error: Standard error of every cosine.
        norms: Norms of the gradients; NaN: not known; None: all are 1.
        layers: Name of a layer to its cosines, `(m, m)`; None: two layers with `cosines`.
        checkpoint: Name of the checkpoint in every row.
        affinity: Affinities of all pairs, `(m, m)`; None: no such rows.
    """
    norms = [1.0] * len(names) if norms is None else norms
    groups = dict.fromkeys(LAYERS, cosines) if layers is None else layers
    rows = []
    for group, values in {**groups, "all": cosines}.items():
        for i, name in enumerate(names):
            ends = (norms[i], norms[i] * 0.9, norms[i] * 1.1, math.nan)
            rows.append(Row(checkpoint, group, name, "", "norm", *ends, 16))
        for i in range(len(names)):
            for j in range(i + 1, len(names)):
                number = numbers(float(values[i][j]), error)
                rows.append(Row(checkpoint, group, names[i], names[j], "cosine", *number, 16))
    if affinity is not None:
        for i, j in np.ndindex(len(names), len(names)):
            number = numbers(float(affinity[i][j]), 0.001)
            rows.append(Row(checkpoint, "all", names[i], names[j], "affinity", *number, 16))
    return rows


def numbers(value: float, error: float) -> tuple[float, float, float, float]:
    """Return an estimate, its 95 % interval and its p value, as of a normal distribution.

    Args:
        value: The estimate.
        error: Its standard error.

    Returns:
        (estimate, lower end, upper end, p value).
    """
    p = math.erfc(abs(value) / error / math.sqrt(2))
    return value, value - 1.96 * error, value + 1.96 * error, p


def blocks(sizes: Sequence[int], within: float, between: float) -> NDArray[np.float64]:
    """Return a matrix of cosines of groups of objectives, `(m, m)`.

    Args:
        sizes: Number of objectives in each group; m is their sum.
        within: Cosine of two objectives of one group.
        between: Cosine of objectives of two groups.
    """
    group = np.repeat(np.arange(len(sizes)), sizes)
    found = np.where(group[:, None] == group, within, between)
    np.fill_diagonal(found, 1.0)
    return found
