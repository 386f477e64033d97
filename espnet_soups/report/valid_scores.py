"""Scores of part of the validation set, as training records them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from espnet_soups.report.level import to_array

SCORES = {
    "*": {
        **{"title": str, "unit": str, "lower_is_better": bool, "headline": bool, "digits": int},
        **{"mean": float | None, "objectives": dict[str, float | None]},
    }
}

Record = Mapping[str, Any]


@dataclass(frozen=True)
class ScoreCourse:
    """Course of a score over E epochs; NaN where an epoch was not scored.

    Attributes:
        heading: Title and unit.
        digits: Number of decimals shown.
        lower_is_better: Whether lower values are better.
        objectives: The score of each objective, [E].
    """

    heading: str
    digits: int
    lower_is_better: bool
    objectives: Mapping[str, NDArray[np.float64]]


def telling_scores(scores: Record) -> Iterator[str]:
    """Yield the scores that say the most: of each set of objectives, the first headline.

    Args:
        scores: The entry `scores` of an epoch.

    >>> wer = {"headline": True, "objectives": {"asr_fr": 50.0}}
    >>> bleu = {"headline": True, "objectives": {"st_fr_en": 3.0}}
    >>> list(telling_scores({"wer": wer, "cer": wer, "bleu": bleu}))
    ['wer', 'bleu']
    """
    covered: set[str] = set()
    for name, item in scores.items():
        if item["headline"] and not covered.issuperset(item["objectives"]):
            covered |= set(item["objectives"])
            yield name


def describe_scores(scores: Record) -> list[str]:
    """Return the means of the most telling scores, for the line of an epoch.

    Args:
        scores: The entry `scores` of an epoch; empty: it was not scored.

    >>> wer = {"title": "WER", "unit": "%", "digits": 1, "headline": True, "mean": 51.23}
    >>> describe_scores({"wer": {**wer, "objectives": {"asr_fr": 51.23}}})
    ['valid WER 51.2 %']
    """
    return [
        f"valid {item['title']} {item['mean']:.{item['digits']}f} {item['unit']}".rstrip()
        for item in (scores[name] for name in telling_scores(scores))
        if item["mean"] is not None
    ]


def read_courses(records: Sequence[Record]) -> dict[str, ScoreCourse]:
    """Return the course of each headline score over the epochs, by name.

    Args:
        records: The lines of `soup.jsonl`.
    """
    held = [record.get("scores") or {} for record in records]
    known = {name: item for scores in held for name, item in scores.items()}
    courses = {}
    for name, item in known.items():
        rows = [scores.get(name, {}).get("objectives", {}) for scores in held]
        names = dict.fromkeys(objective for row in rows for objective in row)
        if item["headline"]:
            courses[name] = ScoreCourse(
                f"{item['title']} {item['unit']}".rstrip(),
                item["digits"],
                item["lower_is_better"],
                {one: to_array(row.get(one) for row in rows) for one in names},
            )
    return courses
