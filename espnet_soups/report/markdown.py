"""RESULTS.md in ESPnet's style, from the records of `results.json`."""

from collections.abc import Mapping, Sequence
from typing import Any

from espnet_soups.report.comparison import TEXTS, compare_records, in_order, section_titles
from espnet_soups.report.compute import environment_rows
from espnet_soups.report.left_out import left_out_notes
from espnet_soups.report.method import stayed_near_uniform
from espnet_soups.report.method_text import (
    HEAD,
    TEXT_COLUMNS,
    TITLE,
    WARNING,
    WHY,
    level_rows,
    step_notes,
    why_no_levels,
)
from espnet_soups.report.score_tables import render_tables
from espnet_soups.report.seen import seen_note
from espnet_soups.report.wording import intervals, table, training_origin
from espnet_soups.scoring.score_metrics import not_scored_notes, undefined_scores

Record = Mapping[str, Any]

NOTICE = "<!-- Written by `python -m espnet_soups.bin.report` (stage 13); changes get lost. -->"


def render_results(
    records: Sequence[Record],
    images: Mapping[str, str] | None = None,
    comparison: str | None = None,
) -> str:
    """Return a RESULTS.md: a table of comparison, then a section for each decoded set.

    Args:
        records: Decodings of experiments, as in results.json.
        images: Path of each picture to its title, if there is a single experiment.
        comparison: Path of the picture that compares the experiments; None if there is none.
    """
    ordered = in_order(records)
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


def render_comparison(records: Sequence[Record]) -> str:
    """Return the table of comparison, notes on its columns, and warnings of untested combiners.

    Args:
        records: Decodings of experiments, as in results.json.
    """
    found = compare_records(records)
    rows = [
        [f"[{name}](#{_anchor(title)})", *row]
        for name, title, row in zip(found.names, found.titles, found.rows, strict=True)
    ]
    parts = [table(found.head, rows, left=TEXTS), " ".join(found.notes)]
    if found.near_uniform:
        parts.append("\n".join(f"- **{name}**: {WARNING}." for name in found.near_uniform))
    return "\n\n".join(parts)


def render_experiment(record: Record, title: str) -> str:
    """Return the section of one decoded set: tables, signatures, environment, command.

    Args:
        record: A decoding, as in results.json.
        title: Title of the section.
    """
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
    """Return the section that shows whether the method had an effect: a row per level, then steps.

    Args:
        training: The entry `training` of results.json.
    """
    parts = [f"### {TITLE}"]
    if stayed_near_uniform(training):
        parts.append(f"**Warning:** {WARNING} ({WHY}).")
    rows = level_rows(training)
    parts.append(table(HEAD, rows, left=TEXT_COLUMNS) if rows else why_no_levels(training))
    notes = [*step_notes(training), *seen_note(training.get("seen") or {})]
    return [*parts, " ".join(notes)] if notes else parts


def render_scores(record: Record) -> list[str]:
    """Return the tables of scores of an experiment, and notes on them.

    Args:
        record: A decoding, as in results.json.
    """
    objectives = record["scores"]["objectives"]
    parts = render_tables(record["scores"])
    notes = [intervals(record["scores"])] if parts else []
    left_out = sum(item["without_reference"] for item in objectives.values())
    if left_out:
        notes.append(f"Labels that are `<na>`, not scored: {left_out}.")
    notes += [f"{text}." for text in undefined_scores(record["scores"])]
    notes += [f"{text}." for text in not_scored_notes(record["scores"])]
    return [*parts, " ".join([*notes, *left_out_notes(record)])]


def render_environment(record: Record) -> str:
    """Return the environment and the command of an experiment.

    Args:
        record: A decoding, as in results.json.
    """
    environment = record["environment"]
    lines = ["### Environments", ""]
    rows = environment_rows(environment, record["training"].get("compute"))
    rows += training_origin(record["training"])
    lines += [f"- {name}: `{text}`" for name, text in rows]
    lines += ["", "Command:", "", "```sh", record["command"], "```"]
    return "\n".join(lines)


def _anchor(name: str) -> str:
    kept = [letter for letter in name.lower() if letter.isalnum() or letter in "-_ "]
    return "".join(kept).replace(" ", "-")
