"""Records of runs: a line each for git, and a summary to print."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from espnet_soups.files import read_json_lines, write_json_lines

MADE_BY = "python -m tools.stock.run --publish"
KEY = ("name", "set", "inference_config")  # of a line: what was decoded, and how


def publish(record: Mapping[str, Any], path: Path) -> str:
    """Add a record to a file, in place of an earlier one of its name, set and configuration.

    Args:
        record: The record.
        path: The file.

    Returns:
        A line that says what was done.

    Raises:
        ValueError: If the file is malformed.
    """
    lines = read_json_lines(path, MADE_BY, dict.fromkeys(KEY, str)) if path.is_file() else []
    kept = {tuple(line[part] for part in KEY): line for line in [*lines, dict(record)]}
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json_lines(path, [kept[key] for key in sorted(kept)])
    return f"{record['name']} -> {path}"


def summarise(record: Mapping[str, Any]) -> str:
    """Return the means of a run and what it cost, in two lines.

    Args:
        record: The record.
    """
    scores = [f"{name} {value:.1f}" for name, (value, *_) in record["mean"].items()]
    models = record["models"].values()
    cost = {name: sum(one[name] for one in models) / 60 for name in ("seconds", "cpu_seconds")}
    return (
        f"{record['name']}: {', '.join(scores)}\n{len(models)} models,"
        f" {cost['seconds']:.1f} min of training steps, {cost['cpu_seconds']:.1f} min of CPU in all"
    )
