"""Counts of how often utterances of each language and corpus were seen in training."""

from collections.abc import Mapping, Sequence
from typing import Any

SEEN = {"*": {"*": {"utterances": float, "drawn": float}}}  # per epoch, in soup.jsonl


def times_seen(records: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Return how often an utterance of each language and corpus was seen in all epochs, on average.

    Args:
        records: The lines of soup.jsonl; those of earlier releases have no counts.

    >>> times_seen([{"seen": {"languages": {"fr": {"utterances": 4, "drawn": 6}}}}, {}])
    {'fr': 1.5}
    """
    times: dict[str, float] = {}
    for record in records:
        for kind, named in (record.get("seen") or {}).items():
            for own, found in named.items():
                name = f"corpus {own}" if kind == "datasets" else own
                times[name] = times.get(name, 0.0) + found["drawn"] / max(found["utterances"], 1)
    return times


def seen_note(times: Mapping[str, float]) -> list[str]:
    """Return a sentence for a report; empty if nothing was counted.

    Args:
        times: The result of `times_seen`.

    >>> seen_note({"en": 12.345, "fr": 3.0})
    ['An utterance came in training, on average: en 12.3, fr 3 times.']
    """
    if not times:
        return []
    listed = ", ".join(f"{name} {value:.3g}" for name, value in times.items())
    return [f"An utterance came in training, on average: {listed} times."]
