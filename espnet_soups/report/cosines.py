"""Cosines between the objectives' gradients: their mean over a training, and by groups."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from espnet_soups.report.objective_names import look_up, sign_of

UNSUPERVISED, OTHERS = "U", "rest"


def read_cosines(
    records: Sequence[Mapping[str, Any]], size: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Read the cosines of every epoch.

    Args:
        records: The lines of soup.jsonl.
        size: Number of objectives, m.

    Returns:
        (mean cosine of each pair in each epoch, NaN if not measured; number of measured steps, 1 if
        not recorded), each [E, m, m].
    """
    cosines = np.full((len(records), size, size), np.nan)
    steps = np.ones_like(cosines)
    for row, record in enumerate(records):
        if record.get("cosine"):
            cosines[row] = np.array(record["cosine"], dtype=np.float64)
        if record.get("cosine_steps"):
            steps[row] = np.array(record["cosine_steps"], dtype=np.float64)
    cosines[:, np.eye(size, dtype=bool)] = np.nan
    return cosines, np.where(np.isfinite(cosines), steps, 0.0)


def mean_over_epochs(
    cosines: NDArray[np.float64], steps: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the mean of each pair, with equal weight of every measured step.

    Args:
        cosines: Mean cosine in each epoch, [E, m, m].
        steps: Number of steps on which each was measured, [E, m, m].

    Returns:
        The means [m, m]; NaN where a pair was never measured.

    >>> epochs = np.array([[[1.0]], [[0.0]], [[np.nan]]])
    >>> mean_over_epochs(epochs, np.array([[[1]], [[3]], [[0]]])).tolist()
    [[0.25]]
    """
    number = steps.sum(axis=0)
    total = np.where(steps > 0, cosines * steps, 0.0).sum(axis=0)
    return np.where(number > 0, total / np.maximum(number, 1.0), np.nan)


def group_curves(
    objectives: Sequence[str], cosines: NDArray[np.float64]
) -> dict[str, NDArray[np.float64]]:
    """Return the mean cosine between each two kinds over the epochs, [E], by `ASR~ST (20 pairs)`.

    Self-supervision is compared with all other objectives at once.

    Args:
        objectives: Names of the m objectives.
        cosines: Mean cosine in each epoch, NaN where it was not measured, [E, m, m].

    >>> curves = group_curves(["asr_fr", "asr_it", "ssl"], np.full((2, 3, 3), 0.5))
    >>> {name: curve.tolist() for name, curve in curves.items()}
    {'ASR~ASR (1 pair)': [0.5, 0.5], 'U~rest (2 pairs)': [0.5, 0.5]}
    """
    members: dict[str, list[NDArray[np.float64]]] = {}
    supervised = [look_up(name).supervised for name in objectives]
    signs = [sign_of(name) for name in objectives]
    for i, j in zip(*np.triu_indices(len(objectives), k=1), strict=True):
        pair = f"{UNSUPERVISED}~{OTHERS}"
        if supervised[i] and supervised[j]:
            pair = "~".join(sorted((signs[i], signs[j])))
        members.setdefault(pair, []).append(cosines[:, i, j])
    curves = {}
    for pair in sorted(members):
        values = np.array(members[pair])
        known = np.isfinite(values)
        number = known.sum(axis=0)
        if number.any():
            mean = np.where(known, values, 0.0).sum(axis=0) / np.maximum(number, 1)
            label = f"{pair} ({len(values)} pair{'s' if len(values) > 1 else ''})"
            curves[label] = np.where(number > 0, mean, np.nan)
    return curves
