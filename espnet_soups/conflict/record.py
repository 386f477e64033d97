"""`conflict.json`: the settings with which a table of conflicts was measured."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from espnet_soups.files import read_json, write_text
from espnet_soups.settings import refuse_unknown

RECORD = "conflict.json"
SHAPE = {
    **{"objectives": dict[str, dict[str, str | bool]], "checkpoints": list[str]},
    **{"batches": int, "batch_bins": int, "repeated": int, "left_out": dict[str, int]},
    **{"confidence": float, "step": float, "seconds": float},
}


@dataclass(frozen=True)
class ConflictRecord:
    """Settings and counts of a measurement.

    Attributes:
        objectives: Name of each objective to its `kind` and whether it is `supervised`, in the
            order of the run.
        checkpoints: The measured checkpoints, in order.
        batches: Number of batches of the training data.
        batch_bins: Size of a batch, as the sampler counts it.
        repeated: Number of utterances that came again, and were left out.
        left_out: Number of batches of each checkpoint with a gradient that was not finite.
        confidence: Confidence level of the intervals, between 0 and 1.
        step: Length of the steps of affinities, as a share of the norm of the parameters; 0 if none
            were made.
        seconds: Duration of the measurement, s.
    """

    objectives: Mapping[str, Mapping[str, Any]]
    checkpoints: Sequence[str]
    batches: int
    batch_bins: int
    repeated: int
    left_out: Mapping[str, int]
    confidence: float
    step: float
    seconds: float


def write_record(path: Path, record: ConflictRecord) -> None:
    """Write a record, completely or not at all.

    Args:
        path: File to write, JSON.
        record: The record.
    """
    write_text(path, json.dumps(asdict(record), ensure_ascii=False, indent=1) + "\n")


def read_record(path: Path) -> ConflictRecord:
    """Read a record.

    Args:
        path: File to read, JSON.

    Returns:
        The record.

    Raises:
        FileNotFoundError: If there is none.
        ValueError: If it is malformed; the message names the file.
    """
    found = read_json(path, "stage 8", SHAPE)
    refuse_unknown(str(path), found, SHAPE)
    if not all(isinstance(own.get("supervised"), bool) for own in found["objectives"].values()):
        raise ValueError(f"`objectives` of {path} must have `supervised` each: run stage 8 again.")
    if not found["checkpoints"]:
        raise ValueError(f"{path} has no checkpoint: run stage 8 again.")
    return ConflictRecord(**found)
