"""`conflict.json`: how a table of conflicts was measured."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from espnet_soups.files import read_json, require_shape, write_text
from espnet_soups.settings import read_settings

RECORD = "conflict.json"


@dataclass(frozen=True)
class ConflictRecord:
    """How a table was measured.

    Attributes:
        objectives: Name to its `kind` and whether it is `supervised`, in the order of the run.
        checkpoints: What was measured, in order.
        batches: Batches of the training data.
        batch_bins: Size of a batch, as the sampler counts it.
        repeated: Utterances that came again, and were left out.
        left_out: Batches of each checkpoint with a gradient that was not finite.
        confidence: Of the intervals.
        step: Length of the steps of affinities, as a share of the norm of the parameters; 0: none.
        seconds: How long it took.
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
    """Write a record, whole or not at all."""
    write_text(path, json.dumps(asdict(record), ensure_ascii=False, indent=1) + "\n")


def read_record(path: Path) -> ConflictRecord:
    """Read a record.

    Raises:
        FileNotFoundError: If there is none.
        ValueError: If it is malformed; the message names the file.
    """
    found = read_json(path, "stage 8")
    valid = [field.name for field in fields(ConflictRecord)]
    missing = [name for name in valid if name not in found]
    if missing:
        raise ValueError(f"{path} lacks {', '.join(missing)}: run stage 8 again.")
    if not isinstance(found["objectives"], dict) or not all(
        isinstance(own, dict) for own in found["objectives"].values()
    ):
        raise ValueError(f"`objectives` of {path} must map names to mappings: run stage 8 again.")
    require_shape(found["objectives"], {"*": {"supervised": bool}}, str(path), "stage 8")
    record = read_settings(str(path), ConflictRecord, found)
    if not record.checkpoints:
        raise ValueError(f"{path} has no checkpoint: run stage 8 again.")
    return record
