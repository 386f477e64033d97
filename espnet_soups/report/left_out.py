"""Utterances that were left out of training, with the reasons."""

from collections.abc import Mapping
from typing import Any

from espnet_soups.objectives.kind import Kind
from espnet_soups.objectives.registry import KINDS
from espnet_soups.report.objective_names import look_up

TOO_LONG = "Training labels longer than their frames, left out of CTC"


def left_out_notes(record: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each reason, with the number of utterances of each objective.

    Args:
        record: A decoding, as in results.json; those of earlier releases, whose scores list no
            `metrics`, keep their one sentence for all objectives.
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
    # a name in a record must never cause an import
    return next((kind.left_out for kind in KINDS if kind.name == objective.kind), Kind.left_out)
