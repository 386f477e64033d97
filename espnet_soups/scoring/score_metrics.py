"""The scores in a `scores.json`, with their names and kinds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from pathlib import Path
from typing import Any

from espnet_soups.files import read_json, require_shape
from espnet_soups.objectives.kind import Metric
from espnet_soups.objectives.objective import Objective
from espnet_soups.objectives.registry import KINDS, by_kind
from espnet_soups.settings import refuse_unknown

Record = Mapping[str, Any]
MADE_BY = "the scoring (stage 12)"
MOST_DIGITS = 20
WITH_EXAMPLES = {
    "objectives": {"*": {"examples": dict[str, list[str]]}},
    "mean": {"*": {"objectives": int}},
}
UNITS = "reference_units"
ERRORS = {UNITS: int, **dict.fromkeys(("hits", "substitutions", "deletions", "insertions"), int)}
COUNTS = {"signature?": str, "undefined?": str, "labels?": list[str], "confusion?": list[list[int]]}
ESTIMATE = {"value": Real, "low": Real, "high": Real}
METRIC = {
    **{"name": str, "title": str, "unit?": str, "lower_is_better?": bool, "headline?": bool},
    **{"digits?": int, "counts?": str},
}
# Shape of `scores.json`; an objective also has an estimate under the name of each score.
SCORES = {
    **{"set": str, "confidence": float, "groups?": int, "kinds?": dict[str, str]},
    **{"metrics?": [METRIC], "mean": {"*": ESTIMATE}, "not_scored?": dict[str, str]},
    "objectives": {"*": {"task": str, "utterances": int, "without_reference": int, "drawn?": str}},
}


@dataclass(frozen=True)
class KindScores:
    """The objectives of one kind in a `scores.json`.

    Attributes:
        title: Title of the kind.
        metrics: The scores that at least one of them has, in order.
        members: Entry of each objective in the file, by name.
    """

    title: str
    metrics: list[Metric]
    members: dict[str, Record]


def read_scores(path: Path) -> dict[str, Any]:
    """Read a `scores.json`.

    Args:
        path: The file.

    Raises:
        OSError: If it is missing.
        ValueError: If it does not have the form that scoring writes.
    """
    scores = read_json(path, MADE_BY, WITH_EXAMPLES)
    check_scores(scores, str(path))
    lacking = [metric.name for metric in metrics_of(scores) if metric.name not in scores["mean"]]
    if lacking:
        raise ValueError(f"{path}: `mean` lacks {lacking}; run {MADE_BY} anew.")
    return scores


def check_scores(scores: object, place: str) -> None:
    """Refuse scores that do not have the form that scoring writes.

    Args:
        scores: Content of `scores.json`, with or without examples.
        place: Name of the scores, for messages.

    Raises:
        ValueError: If they do not have that form.
    """
    require_shape(scores, SCORES, place, MADE_BY)
    record: Any = scores
    for item in record.get("metrics") or []:
        refuse_unknown(f"{place}: a score", item, [name.removesuffix("?") for name in METRIC])
        if not 0 <= item.get("digits", 1) <= MOST_DIGITS:
            raise ValueError(f"{place}: {item['name']} cannot have {item['digits']} digits.")
    for name, item in record["objectives"].items():
        held = {key: value for key, value in item.items() if key in held_metrics(record)}
        require_shape(held, {"*": ESTIMATE | COUNTS}, f"{place}, {name}", MADE_BY)
        for own in held.values():
            if UNITS in own:
                require_shape(own, ERRORS, f"{place}, {name}", MADE_BY)
            if own.get(UNITS, 1) < 1:
                raise ValueError(f"{place}, {name}: `{UNITS}` must be 1 or more.")


def held_metrics(scores: Record) -> set[str]:
    """Return the names of all scores that a `scores.json` may hold.

    Args:
        scores: Content of `scores.json`.
    """
    listed = [item["name"] for item in scores.get("metrics") or []]
    return {*listed, *(metric.name for kind in KINDS for metric in kind.metrics)}


def list_metrics(
    objectives: Sequence[Objective], values: Sequence[Mapping[str, float]]
) -> list[Metric]:
    """Return the scores of some objectives, in the order of the kinds and of their lists.

    Args:
        objectives: The scored objectives.
        values: The scores of each.

    Raises:
        ValueError: If one has a score that its kind does not list.
    """
    held = {item.name: set(own) for item, own in zip(objectives, values, strict=True)}
    metrics: dict[str, Metric] = {}
    for kind, members in by_kind(objectives).items():
        scored = set().union(*(held[item.name] for item in members))
        unknown = sorted(scored - {metric.name for metric in kind.metrics})
        if unknown:
            raise ValueError(
                f"`metrics` of {type(kind).__name__} lacks {unknown}, which its `measure` returns;"
                " every score needs a title there."
            )
        for metric in kind.metrics:
            if metric.name in scored:
                metrics.setdefault(metric.name, metric)
    return list(metrics.values())


def metrics_of(scores: Record) -> list[Metric]:
    """Return the scores of a `scores.json`, in order.

    Args:
        scores: Content of `scores.json`; without `metrics`, as in earlier releases, the scores are
            those of the built-in kinds.
    """
    if scores.get("metrics") is not None:
        return [Metric(**item) for item in scores["metrics"]]
    held = {name for item in scores["objectives"].values() for name in item}
    return [metric for kind in KINDS for metric in kind.metrics if metric.name in held]


def headlines(scores: Sequence[Record]) -> list[Metric]:
    """Return the scores that comparisons show, if at least one of the records has them.

    If none of them is a headline, all are returned.

    Args:
        scores: Contents of one or more `scores.json`.
    """
    found = {metric.name: metric for item in scores for metric in metrics_of(item)}
    known = [metric.name for kind in KINDS for metric in kind.metrics]
    order = [name for name in known if name in found]
    order += [name for name in found if name not in known]
    return [found[name] for name in order if found[name].headline] or list(found.values())


def scores_by_kind(scores: Record) -> list[KindScores]:
    """Return the objectives of a `scores.json` by kind, in its order.

    Args:
        scores: Content of `scores.json`.
    """
    titles = {kind.name: kind.title for kind in KINDS} | (scores.get("kinds") or {})
    groups: dict[str, dict[str, Record]] = {}
    for name, item in scores["objectives"].items():
        groups.setdefault(item["task"], {})[name] = item
    return [
        KindScores(
            title=titles.get(kind, kind),
            metrics=[
                metric
                for metric in metrics_of(scores)
                if any(metric.name in item for item in members.values())
            ],
            members=members,
        )
        for kind, members in groups.items()
    ]


def mean_of_rows(rows: Mapping[str, Record], metric: Metric, mean: Record) -> Record | None:
    """Return the mean of a score for a table; None: it is over other objectives than the rows.

    Args:
        rows: Entry in `scores.json` of each objective of the table, by name.
        metric: The score.
        mean: The entry `mean` of `scores.json`, each over all objectives that have the score.
    """
    item: Record | None = mean.get(metric.name)
    holders = sum(metric.name in row for row in rows.values())
    return item if item is not None and item.get("objectives", holders) == holders else None


def not_scored_notes(scores: Record) -> list[str]:
    """Return the objectives that could not be scored with their reasons, as clauses.

    Args:
        scores: Content of `scores.json`.
    """
    return [f"Not scored: {name} ({why})" for name, why in scores.get("not_scored", {}).items()]


def undefined_scores(scores: Mapping[str, Any]) -> list[str]:
    """Return the meaningless scores with their reasons, as clauses.

    Args:
        scores: Content of `scores.json`.
    """
    found: dict[tuple[str, str], list[str]] = {}
    for kind in scores_by_kind(scores):
        for metric in kind.metrics:
            for name, item in kind.members.items():
                why = item.get(metric.name, {}).get("undefined")
                if why is not None:
                    found.setdefault((metric.title, why), []).append(name)
    return [f"{title} of {', '.join(names)} {why}" for (title, why), names in found.items()]
