"""Listings for reading errors: the worst utterance first."""

from collections.abc import Sequence
from dataclasses import dataclass

EXAMPLES = 2  # number of best, of median and of worst utterances in the report


@dataclass(frozen=True)
class Entry:
    """One utterance of a listing; `badness` sorts it, larger is worse."""

    badness: tuple[float, float]
    head: str
    body: str


def render_listing(title: str, entries: Sequence[Entry]) -> str:
    """Return the text of `alignment.txt`.

    Args:
        title: First line.
        entries: The utterances, in the order of the text.
    """
    blocks = [f"{entry.head}\n{entry.body}\n" for entry in entries]
    return "\n".join([f"{title}\n", *blocks])


def pick_examples(entries: Sequence[Entry]) -> dict[str, list[str]]:
    """Return the worst, median and best utterances; a small set shows none twice.

    Args:
        entries: The utterances, the worst first.

    Returns:
        `worst`, `median` and `best`, each to texts.
    """
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
