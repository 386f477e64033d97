"""Tables of scores in a section of RESULTS.md: error rates with their parts, others plain."""

from collections.abc import Mapping, Sequence
from typing import Any

from espnet_soups.objectives.kind import Metric
from espnet_soups.report.confusion import confusions
from espnet_soups.report.wording import interval, table
from espnet_soups.scoring.score_metrics import (
    KindScores,
    headlines,
    mean_of_rows,
    scores_by_kind,
)

Record = Mapping[str, Any]

PARTS = {"hits": "Corr", "substitutions": "Sub", "deletions": "Del", "insertions": "Ins"}
UNITS = "reference_units"


def render_tables(scores: Record) -> list[str]:
    """Return headings and tables of each kind, then confusions of classes.

    Args:
        scores: Content of `scores.json`.
    """
    parts = []
    for kind in scores_by_kind(scores):
        rates = [metric for metric in kind.metrics if _is_error_rate(kind, metric)]
        plain = [metric for metric in kind.metrics if metric not in rates]
        for metric in rates:
            parts += [f"### {metric.title}", _error_table(kind, metric, plain, scores["mean"])]
        if plain and not rates:
            parts += [f"### {_heading(plain)}", _plain_table(kind, plain, scores["mean"])]
            parts += _signature_lines(kind, plain)
    for item in confusions(scores):
        parts += [item.title, table(item.head, item.rows, left=item.texts)]
    return parts


def signatures(scores: Record) -> dict[str, list[str]]:
    """Return the signatures that make scores comparable, such as sacrebleu's, by title.

    Args:
        scores: Content of `scores.json`.
    """
    items = list(scores["objectives"].values())
    found = {metric.title: _signatures(items, metric) for metric in headlines([scores])}
    return {title: own for title, own in found.items() if own}


def cell(item: Record | None, metric: Metric) -> str:
    """Return a score with its interval, or a dash.

    Args:
        item: The entry of a score in `scores.json`, or None.
        metric: The score.
    """
    return interval(item, metric.digits)


def plain_rows(kind: KindScores, metrics: Sequence[Metric], mean: Record) -> list[list[str]]:
    """Return a row per objective with name, utterances and scores, and the mean of several.

    Args:
        kind: The objectives of a kind.
        metrics: The columns.
        mean: The entry `mean` of `scores.json`.
    """
    rows = [
        [name, str(item["utterances"]), *(cell(item.get(m.name), m) for m in metrics)]
        for name, item in kind.members.items()
    ]
    if len(rows) > 1:
        total = sum(item["utterances"] for item in kind.members.values())
        means = [cell(mean_of_rows(kind.members, m, mean), m) for m in metrics]
        rows.append(["mean", str(total), *means])
    return rows


def _is_error_rate(kind: KindScores, metric: Metric) -> bool:
    return all(UNITS in item.get(metric.name, {UNITS: 0}) for item in kind.members.values())


def _error_table(kind: KindScores, metric: Metric, others: Sequence[Metric], mean: Record) -> str:
    members = {name: item for name, item in kind.members.items() if metric.name in item}
    ends = [metric, *others]
    head = ["objective", "Snt", metric.counts or "Units", *PARTS.values(), "Err"]
    rows = []
    for name, item in members.items():
        own = item[metric.name]
        shares = [f"{100.0 * own[part] / own[UNITS]:.1f}" for part in PARTS]
        last = [cell(item.get(end.name), end) for end in ends]
        rows.append([name, str(item["utterances"]), str(own[UNITS]), *shares, *last])
    if len(members) > 1:
        total = sum(item["utterances"] for item in members.values())
        last = [cell(mean_of_rows(members, end, mean), end) for end in ends]
        rows.append(["mean", str(total), *[""] * (1 + len(PARTS)), *last])
    return table([*head, *(end.title for end in others)], rows, left=1)


def _plain_table(kind: KindScores, metrics: Sequence[Metric], mean: Record) -> str:
    head = ["objective", "Snt", *(metric.heading for metric in metrics)]
    return table(head, plain_rows(kind, metrics, mean), left=1)


def _heading(metrics: Sequence[Metric]) -> str:
    """Return the titles of the most telling scores, as `A, B and C`."""
    titles = [metric.title for metric in metrics if metric.headline]
    titles = titles or [metric.title for metric in metrics]
    return " and ".join(part for part in (", ".join(titles[:-1]), titles[-1]) if part)


def _signature_lines(kind: KindScores, metrics: Sequence[Metric]) -> list[str]:
    items = list(kind.members.values())
    lines = [
        f"- {metric.title}: `{signature}`"
        for metric in metrics
        if metric.headline
        for signature in _signatures(items, metric)
    ]
    return ["\n".join(lines)] if lines else []


def _signatures(items: Sequence[Record], metric: Metric) -> list[str]:
    found = {item.get(metric.name, {}).get("signature") for item in items}
    return sorted(found - {None})
