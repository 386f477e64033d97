"""Confusions of classes: a table per objective that counts them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from espnet_soups.scoring.score_metrics import metrics_of

MOST_LABELS = 12  # with more the matrix is too wide to read; then the worst pairs are listed
PAIRS = 10


@dataclass(frozen=True)
class ConfusionTable:
    """Table of a confusion matrix in a report.

    Attributes:
        title: Title above it.
        head: Heads of its columns.
        rows: Its cells.
        texts: Number of columns, from the left, with text.
    """

    title: str
    head: list[str]
    rows: list[list[str]]
    texts: int


def confusions(scores: Mapping[str, Any]) -> list[ConfusionTable]:
    """Return a table for each score whose details hold `labels` and `confusion`.

    Args:
        scores: Content of `scores.json`.
    """
    return [
        _tabulate(name, item[metric.name]["labels"], item[metric.name]["confusion"])
        for name, item in scores["objectives"].items()
        for metric in metrics_of(scores)
        if "confusion" in item.get(metric.name, {})
    ]


def _tabulate(name: str, labels: Sequence[str], counts: Sequence[Sequence[int]]) -> ConfusionTable:
    if len(labels) <= MOST_LABELS:
        rows = [
            [label, *(str(number) for number in row)]
            for label, row in zip(labels, counts, strict=True)
        ]
        title = f"Confusion of {name}: rows are references, columns are hypotheses."
        return ConfusionTable(title, ["reference", *labels], rows, texts=1)
    pairs = [
        (number, one, other)
        for one, row in zip(labels, counts, strict=True)
        for other, number in zip(labels, row, strict=True)
        if one != other and number
    ]
    worst = sorted(pairs, key=lambda pair: -pair[0])[:PAIRS]
    title = f"The most frequent confusions of {name}, of {len(labels)} labels:"
    rows = [[one, other, str(number)] for number, one, other in worst]
    return ConfusionTable(title, ["reference", "hypothesis", "count"], rows, texts=2)
