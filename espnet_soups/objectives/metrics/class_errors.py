"""Accuracy, macro-F1 and confusions of classified utterances."""

from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from espnet_soups.objectives.metrics.listing import Entry
from espnet_soups.objectives.metrics.measured import MeasuredSums, Scores
from espnet_soups.objectives.metrics.text_pairs import TextPairs

MOST_CLASSES = 100  # larger confusion matrices are not kept


def measure_classes(pairs: TextPairs) -> MeasuredSums:
    """Measure accuracy and macro-F1 of classified utterances.

    macro-F1 is the mean of F1 over the classes that occur in references or hypotheses; each class
    has the same weight.

    Args:
        pairs: References and hypotheses, one class each.

    >>> from espnet_soups.objectives.objective import Objective
    >>> objective = Objective("cls_gender", "cls")
    >>> pairs = TextPairs(objective, ["a", "b", "c"], ["f", "f", "m"], ["f", "m", "m"], 0)
    >>> {name: round(value, 1) for name, value in measure_classes(pairs).values().items()}
    {'accuracy': 66.7, 'macro_f1': 66.7}
    """
    labels = sorted({*pairs.references, *pairs.hypotheses})
    wanted, found = (
        np.array([[text == label for label in labels] for text in texts], dtype=np.float64)
        for texts in (pairs.references, pairs.hypotheses)
    )
    statistics = np.concatenate([wanted * found, wanted + found], axis=1)
    size = len(labels)

    def scores(sums: NDArray[np.float64]) -> Scores:
        right, seen = sums[..., :size], sums[..., size:]
        occurs = seen > 0
        f1 = (2.0 * right / np.maximum(seen, 1.0) * occurs).sum(axis=-1) / occurs.sum(axis=-1)
        total = seen.sum(axis=-1) / 2.0  # every utterance has a reference and a hypothesis
        return {"accuracy": 100.0 * right.sum(axis=-1) / total, "macro_f1": 100.0 * f1}

    right = int((wanted * found).sum())
    details: dict[str, dict[str, Any]] = {"accuracy": {"right": right}}
    if size <= MOST_CLASSES:
        confusion = (wanted.T @ found).astype(int).tolist()
        details["accuracy"] |= {"labels": labels, "confusion": confusion}
    value = 100.0 * right / len(pairs.keys)
    return MeasuredSums(
        keys=pairs.keys,
        title=f"{pairs.objective.name}: accuracy {value:.2f} % over {len(pairs.keys)} utterances;"
        " wrong ones first",
        statistics=statistics,
        scores=scores,
        details=details,
        entries=_entries(pairs),
        without_reference=pairs.without_reference,
        empty_hypotheses=pairs.empty_hypotheses,
    )


def _entries(pairs: TextPairs) -> list[Entry]:
    """List utterances, wrong ones first, those of frequent confusions before others."""
    rows = list(zip(pairs.keys, pairs.references, pairs.hypotheses, strict=True))
    counts = Counter((wanted, found) for _, wanted, found in rows)
    entries = [
        Entry(
            (float(wanted != found), float(counts[wanted, found])),
            f"{key}  {'wrong' if wanted != found else 'right'}",
            f"REF: {wanted}\nHYP: {found}".rstrip(),
        )
        for key, wanted, found in rows
    ]
    return sorted(entries, key=lambda entry: entry.badness, reverse=True)
