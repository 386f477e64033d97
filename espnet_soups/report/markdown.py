"""RESULTS.md in ESPnet's habit, from the records of `results.json`."""

from collections.abc import Mapping, Sequence
from typing import Any

from espnet_soups.objectives.kind import Metric
from espnet_soups.report.compute import compute_text, environment_rows
from espnet_soups.report.left_out import left_out_notes
from espnet_soups.report.method import stayed_near_uniform
from espnet_soups.report.method_text import (
    COLUMNS,
    HEAD,
    TEXT_COLUMNS,
    TITLE,
    WARNING,
    WHY,
    distances,
    level_rows,
    percent,
    step_notes,
    why_no_levels,
)
from espnet_soups.report.score_tables import cell, render_tables, signatures
from espnet_soups.report.wording import (
    all_intervals,
    count,
    describe_levels,
    duration,
    intervals,
    soup_name,
    table,
    training_origin,
)
from espnet_soups.scoring.score_metrics import headlines

Record = Mapping[str, Any]

NOTICE = "<!-- Written by `python -m espnet_soups.bin.report` (stage 13); changes get lost. -->"


def render_results(
    records: Sequence[Record],
    images: Mapping[str, str] | None = None,
    comparison: str | None = None,
) -> str:
    """Return a RESULTS.md: a table that compares, then a section for each decoded set.

    Args:
        records: Decodings of experiments, each as its results.json has it.
        images: Titles by path of pictures to show, if there is one experiment.
        comparison: Path of the picture that compares the experiments.
    """
    ordered = sorted(records, key=lambda item: (item["name"], item["inference_tag"], item["set"]))
    parts = ["# RESULTS", NOTICE, "## Comparison", render_comparison(ordered)]
    if comparison is not None:
        parts.append(f"![Validation curves of the experiments]({comparison})")
    titles = section_titles(ordered)
    parts += [
        render_experiment(record, title) for record, title in zip(ordered, titles, strict=True)
    ]
    if images:
        parts += ["### Pictures", *(f"![{title}]({path})" for path, title in images.items())]
    return "\n\n".join(parts) + "\n"


def section_titles(records: Sequence[Record]) -> list[str]:
    """Return the title of each section: the experiment, and where it has several, the decoding."""
    names = [record["name"] for record in records]
    return [
        name if names.count(name) == 1 else f"{name}: {record['inference_tag']}/{record['set']}"
        for name, record in zip(names, records, strict=True)
    ]


def render_comparison(records: Sequence[Record]) -> str:
    """Return a row per decoded set: what it is, mean scores with intervals, what it cost.

    Args:
        records: Decodings of experiments, each as its results.json has it.

    Returns:
        The table, notes on its columns, and which experiments do not test their combiner.
    """
    tagged = len({record["inference_tag"] for record in records}) > 1
    head = ["experiment", "decoding/set" if tagged else "set", "soup", "levels, top first"]
    metrics = headlines([record["scores"] for record in records])
    scored = [metric.heading for metric in metrics]
    head += ["combiner", "λ from uniform", "raised", *scored, "epochs"]
    rows = [
        _comparison_row(record, title, tagged, metrics)
        for record, title in zip(records, section_titles(records), strict=True)
    ]
    notes = [
        "Scores are means over the languages or pairs that have them.",
        *([all_intervals([record["scores"] for record in records])] if records else []),
        COLUMNS,
        "Train time is without validation; compare it on the same machine and number of threads"
        " or GPUs only.",
    ]
    notes += [
        f"The {title} signatures differ: compare {title} only where they agree."
        for title in _differing_signatures(records)
    ]
    parts = [table([*head, "train time", "parameters"], rows, left=5), " ".join(notes)]
    near = [item["name"] for item in records if stayed_near_uniform(item["training"])]
    if near:
        parts.append("\n".join(f"- **{name}**: {WARNING}." for name in dict.fromkeys(near)))
    return "\n\n".join(parts)


def render_experiment(record: Record, title: str) -> str:
    """Return the section of one decoded set: tables, signatures, environment, command."""
    decoding = f"Decoded set: `{record['inference_tag']}/{record['set']}`."
    speed = record.get("decoding")
    if speed is not None:
        decoding += (
            f" Real-time factor {speed['rtf']:.3g} ({speed['audio_seconds']:.0f} s of audio in"
            f" {speed['decode_seconds']:.0f} s)."
        )
    parts = [f"## {title}", decoding, *render_scores(record)]
    parts += [*render_method(record["training"]), render_environment(record)]
    return "\n\n".join(parts)


def render_method(training: Record) -> list[str]:
    """Return what tells whether the method was at work: a row per level, then the steps.

    Args:
        training: `training` of results.json.
    """
    parts = [f"### {TITLE}"]
    if stayed_near_uniform(training):
        parts.append(f"**Warning:** {WARNING} ({WHY}).")
    rows = level_rows(training)
    parts.append(table(HEAD, rows, left=TEXT_COLUMNS) if rows else why_no_levels(training))
    notes = step_notes(training)
    return [*parts, " ".join(notes)] if notes else parts


def render_scores(record: Record) -> list[str]:
    """Return the tables of an experiment, those that it has scores for, and notes on them.

    Args:
        record: As results.json has it.
    """
    objectives = record["scores"]["objectives"]
    parts = render_tables(record["scores"])
    notes = [intervals(record["scores"])] if parts else []
    left_out = sum(item["without_reference"] for item in objectives.values())
    if left_out:
        notes.append(f"Labels that are `<na>`, not scored: {left_out}.")
    return [*parts, " ".join([*notes, *left_out_notes(record)])]


def render_environment(record: Record) -> str:
    """Return the environment and the command of an experiment."""
    environment = record["environment"]
    lines = ["### Environments", ""]
    rows = environment_rows(environment, record["training"].get("compute"))
    rows += training_origin(record["training"])
    lines += [f"- {name}: `{text}`" for name, text in rows]
    lines += ["", "Command:", "", "```sh", record["command"], "```"]
    return "\n".join(lines)


def _comparison_row(
    record: Record, title: str, tagged: bool, metrics: Sequence[Metric]
) -> list[str]:
    training, mean = record["training"], record["scores"]["mean"]
    return [
        f"[{record['name']}](#{_anchor(title)})",
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


def _differing_signatures(records: Sequence[Record]) -> list[str]:
    """Return the titles of the scores whose signatures are not the same in all records."""
    found: dict[str, set[tuple[str, ...]]] = {}
    for record in records:
        for title, own in signatures(record["scores"]).items():
            found.setdefault(title, set()).add(tuple(own))
    return [title for title, own in found.items() if len(own) > 1]


def _anchor(name: str) -> str:
    kept = [letter for letter in name.lower() if letter.isalnum() or letter in "-_ "]
    return "".join(kept).replace(" ", "-")
