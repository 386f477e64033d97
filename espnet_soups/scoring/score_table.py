"""The scores of a set as a small table for the terminal."""

from collections.abc import Mapping
from typing import Any

COLUMNS = {
    "asr": {"wer": "WER %", "cer": "CER %", "sentence_error": "S.Err %"},
    "st": {"bleu": "BLEU", "chrf": "chrF"},
}


def format_estimate(item: Mapping[str, Any] | None) -> str:
    """Gives a score with its interval, or a dash.

    >>> format_estimate({"value": 12.34, "low": 10.0, "high": 15.06})
    '12.3 [10.0, 15.1]'
    """
    if item is None:
        return "–"
    value, low, high = (f"{item[name]:.1f}" for name in ("value", "low", "high"))
    return f"{value} [{low}, {high}]"


def describe_draws(groups: int | None) -> str:
    """Says what the bootstrap drew.

    >>> describe_draws(None), describe_draws(78)
    ('bootstrap interval over utterances', 'bootstrap interval over 78 groups of utterances')
    """
    what = "utterances" if groups is None else f"{groups} groups of utterances"
    return f"bootstrap interval over {what}"


def render_table(scores: Mapping[str, Any]) -> str:
    """Gives a table per task: a row per objective, and their mean where there are several."""
    blocks = []
    for task, columns in COLUMNS.items():
        members = {
            name: item for name, item in scores["objectives"].items() if item["task"] == task
        }
        if not members:
            continue
        if any("bleu_lc_rm" in item for item in members.values()):
            columns = {**columns, "bleu_lc_rm": "BLEU lc.rm"}
        rows = [[scores["set"], "utt.", *columns.values()]]
        for name, item in members.items():
            cells = [format_estimate(item.get(column)) for column in columns]
            rows.append([name, str(item["utterances"]), *cells])
        if len(members) > 1:
            total = sum(item["utterances"] for item in members.values())
            cells = [format_estimate(scores["mean"].get(column)) for column in columns]
            rows.append(["mean", str(total), *cells])
        blocks.append(align(rows))
    signatures = {
        item["bleu"]["signature"] for item in scores["objectives"].values() if "bleu" in item
    }
    footer = [f"BLEU: {signature}" for signature in sorted(signatures)]
    short = [
        n for n, item in scores["objectives"].items() if "no_four_words" in item.get("bleu", {})
    ]
    if short:
        footer.append(
            f"BLEU of {', '.join(short)} is 0 since no hypothesis has four words, and so says"
            " nothing, nor does a mean with it: read chrF"
        )
    footer.append(f"[ , ]: {scores['confidence']:.0%} {describe_draws(scores.get('groups'))}")
    return "\n\n".join([*blocks, "\n".join(footer)])


def align(rows: list[list[str]]) -> str:
    """Gives cells as columns, the first flush left, the others flush right."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        first = row[0].ljust(widths[0])
        rest = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        lines.append("  ".join([first, *rest]))
    return "\n".join(lines)
