"""Progress of a training: one line per epoch."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from espnet_soups.files import read_json_lines, require_shape
from espnet_soups.report.valid_scores import SCORES, describe_scores

RECORDS = "soup.jsonl"
MADE_BY = "the training (stage 9)"
LOSSES = dict[str, float | None]
EPOCH = {
    **{"epoch": int, "seconds": float, "valid_seconds?": float},
    **{"loss": LOSSES, "valid_loss": LOSSES, "valid_accuracy?": LOSSES},
    "scores?": SCORES,
}


def follow_epochs(
    exp_dir: Path, stop: Callable[[], bool], pause: float = 2.0
) -> Iterator[dict[str, Any]]:
    """Yield the record of each epoch that finishes from now on.

    Args:
        exp_dir: Folder of the run, which need not exist yet.
        stop: Function called between two checks; True ends the iteration.
        pause: Time between two checks, s.

    Yields:
        The new records of `soup.jsonl`.
    """
    seen = len(read_epochs(exp_dir))
    while not stop():
        time.sleep(pause)
        records = read_epochs(exp_dir)
        yield from records[seen:]
        seen = max(seen, len(records))


def describe_epoch(record: dict[str, Any], max_epoch: int) -> str:
    """Return a line that summarises an epoch.

    Args:
        record: A line of soup.jsonl; times in s.
        max_epoch: Number of the last epoch.

    Raises:
        ValueError: If the record does not have the form that training writes.

    >>> describe_epoch({"epoch": 2, "seconds": 61.0, "valid_seconds": 1.0, "loss": {"asr_en": 1.5},
    ...     "valid_loss": {"asr_en": 2.0}, "valid_accuracy": {"asr_en": 0.25}}, 5)
    'epoch 2/5: train loss 1.500, valid loss 2.000, valid accuracy 0.250; 62 s, about 3 min left'
    """
    require_shape(record, EPOCH, f"{RECORDS}, epoch {record.get('epoch')!r:.20}", MADE_BY)
    seconds = record["seconds"] + (record.get("valid_seconds") or 0.0)
    left = (max_epoch - record["epoch"]) * seconds
    parts = [f"train loss {_mean(record['loss']):.3f}"]
    parts.append(f"valid loss {_mean(record['valid_loss']):.3f}")
    if record.get("valid_accuracy"):
        parts.append(f"valid accuracy {_mean(record['valid_accuracy']):.3f}")
    parts += describe_scores(record.get("scores") or {})
    span = f"{left / 60:.0f} min" if left >= 90 else f"{left:.0f} s"
    rest = f"about {span} left" if left > 0 else "the last one"
    return f"epoch {record['epoch']}/{max_epoch}: {', '.join(parts)}; {seconds:.0f} s, {rest}"


def _mean(values: dict[str, float | None]) -> float:
    known = [value for value in values.values() if value is not None]
    return sum(known) / len(known) if known else float("nan")


def read_epochs(exp_dir: Path) -> list[dict[str, Any]]:
    """Read the records of a run, empty if it has not written any.

    Args:
        exp_dir: Folder of the run.

    Raises:
        ValueError: If a line does not have the form that training writes.
    """
    path = exp_dir / RECORDS
    return read_json_lines(path, MADE_BY, {"epoch": int}) if path.exists() else []
