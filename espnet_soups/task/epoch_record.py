"""`soup.jsonl`: one line per epoch, for plots and for whoever wants to know what happened."""

import json
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from espnet2.train.reporter import SubReporter, aggregate

from espnet_soups.model.soup import Soup

FILE = "soup.jsonl"


def epoch_means(reporter: SubReporter, prefix: str) -> dict[str, float]:
    """Gives the mean of every statistic whose name starts with a prefix, without the prefix."""
    return {
        key[len(prefix) :]: float(aggregate(values))
        for key, values in reporter.stats.items()
        if key.startswith(prefix)
    }


def describe_levels(soup: Soup) -> list[dict[str, Any]]:
    """Gives each level with its objectives, penalty and weights, the top level first."""
    return [
        {
            "level": position + 1,
            "objectives": [soup.names[index] for index in level],
            "penalty": float(soup.penalties[position]),
            "weights": [float(soup.weights[index]) for index in level],
        }
        for position, level in enumerate(soup.hierarchy.levels)
    ]


def build_record(
    soup: Soup,
    epoch: int,
    seconds: float,
    loss: dict[str, float],
    valid_loss: dict[str, float],
) -> dict[str, Any]:
    """Gives what is worth keeping of an epoch; NaN becomes null."""
    record = {
        "epoch": epoch,
        "seconds": round(seconds, 3),
        "levels": describe_levels(soup),
        "objectives": soup.names,
        "loss": loss,
        "valid_loss": valid_loss,
        "gradient_norm": dict(zip(soup.names, soup.mean_norms().tolist(), strict=True)),
        "cosine": soup.mean_cosines().tolist(),
        "skipped_steps": soup.skipped_steps,
    }
    cleaned: dict[str, Any] = _without_nan(record)
    return cleaned


def write_record(output_dir: Path, record: dict[str, Any]) -> None:
    """Adds a record; epochs from this one on, left by a run that was cut short, are replaced."""
    path = output_dir / FILE
    lines: Sequence[str] = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    kept = [line for line in lines if json.loads(line)["epoch"] < record["epoch"]]
    temporary = path.with_suffix(".tmp")
    temporary.write_text("\n".join([*kept, json.dumps(record)]) + "\n", encoding="utf-8")
    os.replace(temporary, path)


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
