"""The scores of a set as a small table for the terminal."""

from collections.abc import Mapping
from typing import Any

from espnet_soups.scoring.score_metrics import (
    KindScores,
    mean_of_rows,
    not_scored_notes,
    scores_by_kind,
    undefined_scores,
)


def format_estimate(item: Mapping[str, Any] | None, digits: int = 1) -> str:
    """Return a score with its interval, or a dash.

    Args:
        item: The entry of a score in `scores.json`, or None.
        digits: Number of decimals.

    >>> format_estimate({"value": 12.34, "low": 10.0, "high": 15.06})
    '12.3 [10.0, 15.1]'
    """
    if item is None:
        return "–"
    value, low, high = (f"{item[name]:.{digits}f}" for name in ("value", "low", "high"))
    return f"{value} [{low}, {high}]"


def describe_draws(groups: int | None) -> str:
    """Return a description of the items that the bootstrap drew.

    Args:
        groups: Number of groups; None if utterances were drawn.

    >>> describe_draws(None), describe_draws(78)
    ('bootstrap interval over utterances', 'bootstrap interval over 78 groups of utterances')
    """
    what = "utterances" if groups is None else f"{groups} groups of utterances"
    return f"bootstrap interval over {what}"


def render_table(scores: Mapping[str, Any]) -> str:
    """Return a table per kind: a row per objective, and their mean if there are several.

    Args:
        scores: Content of `scores.json`.
    """
    kinds = scores_by_kind(scores)
    signatures = {text for kind in kinds for text in _signatures(kind)}
    footer = [*sorted(signatures), *undefined_scores(scores)]
    footer.append(f"[ , ]: {scores['confidence']:.0%} {describe_draws(scores.get('groups'))}")
    own = {name: item["drawn"] for name, item in scores["objectives"].items() if "drawn" in item}
    footer += [f"[ , ] of {name}: over {drawn}" for name, drawn in own.items()]
    footer += not_scored_notes(scores)
    blocks = [align(_rows(kind, scores)) for kind in kinds]
    return "\n\n".join([*blocks, "\n".join(footer)])


def _rows(kind: KindScores, scores: Mapping[str, Any]) -> list[list[str]]:
    rows = [[scores["set"], "utt.", *(metric.heading for metric in kind.metrics)]]
    listed = dict(kind.members)
    if len(listed) > 1:
        total = sum(item["utterances"] for item in listed.values())
        own = {m.name: mean_of_rows(kind.members, m, scores["mean"]) for m in kind.metrics}
        listed["mean"] = {"utterances": total, **own}
    for name, item in listed.items():
        cells = [format_estimate(item.get(m.name), m.digits) for m in kind.metrics]
        rows.append([name, str(item["utterances"]), *cells])
    return rows


def _signatures(kind: KindScores) -> set[str]:
    """Return the signatures of the most telling score that has one."""
    for metric in kind.metrics:
        own = {item.get(metric.name, {}).get("signature") for item in kind.members.values()} - {
            None
        }
        if own:
            return {f"{metric.title}: {signature}" for signature in own}
    return set()


def align(rows: list[list[str]]) -> str:
    """Return cells as text in columns, the first aligned left, the others right.

    Args:
        rows: Rows of equal length, at least one.
    """
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        first = row[0].ljust(widths[0])
        rest = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        lines.append("  ".join([first, *rest]))
    return "\n".join(lines)
