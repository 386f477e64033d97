"""Listing of references and hypotheses, with their units aligned in columns."""

import unicodedata

import numpy as np

from espnet_soups.objectives.metrics.error_rate import ErrorCounts, error_rate
from espnet_soups.objectives.metrics.listing import Entry
from espnet_soups.objectives.metrics.text_pairs import TextPairs

OPERATIONS = {"equal": "", "substitute": "S", "delete": "D", "insert": "I"}


def recognition_entries(pairs: TextPairs, errors: ErrorCounts, unit: str) -> list[Entry]:
    """List utterances by error rate, the worst first; at equal rate, the longer reference first.

    Args:
        pairs: The texts.
        errors: Their alignment in words or characters.
        unit: `WER` or `CER`.
    """
    rates = error_rate(errors.counts)
    entries = []
    for index, key in enumerate(pairs.keys):
        hits, substitutions, deletions, insertions = errors.counts[index].astype(int)
        head = (
            f"{key}  {unit} {rates[index]:.1f} %  (C {hits} S {substitutions} D {deletions}"
            f" I {insertions})"
        )
        length = len(errors.references[index])
        # Among the correct ones the long ones are the most telling, hence the sign.
        badness = (float(rates[index]), float(length if rates[index] > 0 else -length))
        entries.append(Entry(badness, head, _aligned(errors, index)))
    return sorted(entries, key=lambda entry: entry.badness, reverse=True)


def display_width(text: str) -> int:
    """Return the number of terminal columns that a text takes.

    Args:
        text: The text, on one line.

    >>> display_width("né"), display_width("你好")
    (2, 4)
    """
    return sum(
        0 if unicodedata.combining(letter) else 1 + (unicodedata.east_asian_width(letter) in "WF")
        for letter in text
    )


def _aligned(errors: ErrorCounts, index: int) -> str:
    reference, hypothesis = errors.references[index], errors.hypotheses[index]
    columns: list[tuple[str, str, str]] = []
    for chunk in errors.alignments[index]:
        wanted = reference[chunk.ref_start_idx : chunk.ref_end_idx]
        written = hypothesis[chunk.hyp_start_idx : chunk.hyp_end_idx]
        size = max(len(wanted), len(written))
        wanted, written = wanted or [""] * size, written or [""] * size
        for one, other in zip(wanted, written, strict=True):
            columns.append((one, other, OPERATIONS[chunk.type]))
    lines: list[list[str]] = [["REF:"], ["HYP:"], ["    "]]
    for column in columns:
        width = int(np.max([display_width(cell) for cell in column]))
        for line, cell in zip(lines, column, strict=True):
            filler = "*" if not cell and line is not lines[2] else " "
            line.append(cell + filler * (width - display_width(cell)))
    return "\n".join(" ".join(line).rstrip() for line in lines).rstrip()
