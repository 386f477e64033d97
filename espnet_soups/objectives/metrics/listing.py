"""Listings for reading errors: the worst utterance first, units aligned in columns."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from espnet_soups.objectives.metrics.error_rate import ErrorCounts, error_rate
from espnet_soups.scoring.text_pairs import TextPairs

OPERATIONS = {"equal": "", "substitute": "S", "delete": "D", "insert": "I"}
EXAMPLES = 2  # best, median and worst utterances that the report shows, each


@dataclass(frozen=True)
class Entry:
    """One utterance of a listing; `badness` sorts it, larger is worse."""

    badness: tuple[float, float]
    head: str
    body: str


def recognition_entries(pairs: TextPairs, errors: ErrorCounts, unit: str) -> list[Entry]:
    """Lists utterances by error rate, the worst first; at equal rate the longer reference first.

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
        # Among the right ones the long ones are the most telling, hence the sign.
        badness = (float(rates[index]), float(length if rates[index] > 0 else -length))
        entries.append(Entry(badness, head, _aligned(errors, index)))
    return sorted(entries, key=lambda entry: entry.badness, reverse=True)


def translation_entries(pairs: TextPairs, sentence_chrf: Sequence[float]) -> list[Entry]:
    """Lists translations by their sentence's chrF, the worst first.

    BLEU is of no use for one short sentence: without a common four-gram it is nought.
    """
    rows = zip(pairs.keys, pairs.references, pairs.hypotheses, sentence_chrf, strict=True)
    entries = [
        Entry(
            (-chrf, float(len(reference) if chrf < 100.0 else -len(reference))),
            f"{key}  chrF {chrf:.1f}",
            f"REF: {reference}\nHYP: {hypothesis}".rstrip(),
        )
        for key, reference, hypothesis, chrf in rows
    ]
    return sorted(entries, key=lambda entry: entry.badness, reverse=True)


def render_listing(title: str, entries: Sequence[Entry]) -> str:
    """Gives the text of `alignment.txt`."""
    blocks = [f"{entry.head}\n{entry.body}\n" for entry in entries]
    return "\n".join([f"{title}\n", *blocks])


def pick_examples(entries: Sequence[Entry]) -> dict[str, list[str]]:
    """Picks the worst, median and best utterances; a small set shows none twice."""
    count = min(EXAMPLES, max(1, len(entries) // 3))
    middle = (len(entries) - count) // 2
    chosen = {
        "worst": entries[:count],
        "median": entries[middle : middle + count] if len(entries) > 2 else [],
        "best": entries[-count:] if len(entries) > 1 else [],
    }
    return {
        rank: [f"{entry.head}\n{entry.body}" for entry in items] for rank, items in chosen.items()
    }


def display_width(text: str) -> int:
    """Gives the number of columns of a terminal that a text takes.

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
