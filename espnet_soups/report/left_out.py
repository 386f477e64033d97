"""Which utterances took no part in training, and why."""

from collections.abc import Mapping
from typing import Any

from espnet_soups.objectives.kind import Kind
from espnet_soups.objectives.registry import KINDS
from espnet_soups.report.objective_names import look_up

TOO_LONG = "Training labels longer than their frames, left out of CTC"


def left_out_notes(record: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each reason, with how many utterances of each objective it struck.

    Args:
        record: As results.json has it; those of earlier releases, whose scores list no `metrics`,
            keep the one sentence that they had for all.
    """
    reasons: dict[str, list[str]] = {}
    for name, number in record["training"]["unalignable"].items():
        why = _why(name) if "metrics" in record["scores"] else TOO_LONG
        reasons.setdefault(why, []).append(f"{name} {number}")
    return [f"{why}: {', '.join(listed)}." for why, listed in reasons.items()]


def _why(name: str) -> str:
    objective = look_up(name)
    if objective.transcribes:
        return TOO_LONG
    # a name in a record must not make anything be imported
    return next((kind.left_out for kind in KINDS if kind.name == objective.kind), Kind.left_out)
