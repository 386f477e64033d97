"""Comparison of decoded sets of experiments: a row each, with notes on the columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from espnet_soups.objectives.kind import Metric
from espnet_soups.report.compute import compute_text
from espnet_soups.report.method import stayed_near_uniform
from espnet_soups.report.method_text import COLUMNS, distances, percent
from espnet_soups.report.score_tables import cell, signatures
from espnet_soups.report.wording import (
    all_intervals,
    count,
    describe_levels,
    duration,
    soup_name,
)
from espnet_soups.scoring.score_metrics import headlines, undefined_scores

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Comparison:
    """Table that compares decoded sets.

    Attributes:
        head: Heads of its columns, including the name of the experiment.
        names: The experiment of each row.
        titles: Title of the section on each row.
        rows: Cells after the name.
        notes: Sentences about the columns.
        near_uniform: Experiments whose weights stayed near uniform, which do not test their
            combiner.
    """

    head: list[str]
    names: list[str]
    titles: list[str]
    rows: list[list[str]]
    notes: list[str]
    near_uniform: list[str]


TEXTS = 5  # columns of a comparison, from the left, that are words


def compare_records(records: Sequence[Record]) -> Comparison:
    """Return a table with a row per decoded set: settings, mean scores with intervals, and cost.

    Args:
        records: Decodings of experiments, as in results.json.
    """
    tagged = len({record["inference_tag"] for record in records}) > 1
    metrics = headlines([record["scores"] for record in records])
    head = ["experiment", "decoding/set" if tagged else "set", "soup", "levels, top first"]
    head += ["combiner", "λ from uniform", "raised", *(metric.heading for metric in metrics)]
    near = [item["name"] for item in records if stayed_near_uniform(item["training"])]
    return Comparison(
        head=[*head, "epochs", "train time", "parameters"],
        names=[record["name"] for record in records],
        titles=section_titles(records),
        rows=[_row(record, tagged, metrics) for record in records],
        notes=_notes(records),
        near_uniform=list(dict.fromkeys(near)),
    )


def section_titles(records: Sequence[Record]) -> list[str]:
    """Return the title of each section: the experiment and, if it has several, the decoding.

    Args:
        records: Decodings of experiments, as in results.json.
    """
    names = [record["name"] for record in records]
    return [
        name if names.count(name) == 1 else f"{name}: {record['inference_tag']}/{record['set']}"
        for name, record in zip(names, records, strict=True)
    ]


def in_order(records: Sequence[Record]) -> list[Record]:
    """Return records in the order of tables: by experiment, inference tag and set.

    Args:
        records: Decodings of experiments, as in results.json.
    """
    return sorted(records, key=lambda item: (item["name"], item["inference_tag"], item["set"]))


def _row(record: Record, tagged: bool, metrics: Sequence[Metric]) -> list[str]:
    training, mean = record["training"], record["scores"]["mean"]
    return [
        f"{record['inference_tag']}/{record['set']}" if tagged else record["set"],
        soup_name(training),
        describe_levels(training["levels"]),
        training["combiner"],
        distances(training),
        percent(training.get("raised_any")),
        *(cell(mean.get(metric.name), metric) for metric in metrics),
        str(training["epochs"]),
        f"{duration(training['seconds'])}, {compute_text(training.get('compute'))}",
        count(training["parameters"]),
    ]


def _notes(records: Sequence[Record]) -> list[str]:
    return [
        "Scores are means over the languages or pairs that have them.",
        *([all_intervals([record["scores"] for record in records])] if records else []),
        COLUMNS,
        "Train time is without validation; compare it on the same machine and number of threads"
        " or GPUs only.",
        *(
            f"The {title} signatures differ: compare {title} only where they agree."
            for title in _differing_signatures(records)
        ),
        *(
            f"{title}: {text}."
            for title, record in zip(section_titles(records), records, strict=True)
            for text in undefined_scores(record["scores"])
        ),
    ]


def _differing_signatures(records: Sequence[Record]) -> list[str]:
    """Return the titles of the scores whose signatures are not the same in all records."""
    found: dict[str, set[tuple[str, ...]]] = {}
    for record in records:
        for title, own in signatures(record["scores"]).items():
            found.setdefault(title, set()).add(tuple(own))
    return [title for title, own in found.items() if len(own) > 1]
