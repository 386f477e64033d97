"""Results that a recipe publishes: one line per experiment, kept when others are run."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from espnet_soups.report.json_file import read_json, read_json_lines
from espnet_soups.report.results import RESULTS

PUBLISHED = "results.jsonl"


def upsert(path: Path, record: dict[str, Any]) -> list[dict[str, Any]]:
    """Gives the records of a file with one added, or put in the place of its namesake.

    Namesakes are of one experiment and one set.

    Raises:
        ValueError: If a line of the file is not a record.
    """
    records = read_json_lines(path, "stage 13") if path.is_file() else []
    for number, item in enumerate(records, start=1):
        if "name" not in item:
            raise ValueError(f"{path}, record {number} has no `name`; remove it or run stage 13.")
    names = [(item["name"], item.get("set")) for item in records]
    if (record["name"], record["set"]) in names:
        records[names.index((record["name"], record["set"]))] = record
    else:
        records.append(record)
    return sorted(records, key=lambda item: (str(item["name"]), str(item.get("set"))))


def render_lines(records: Sequence[dict[str, Any]]) -> str:
    """Gives the text of the file, keys in their own order so that diffs stay small."""
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def read_siblings(expdir: Path) -> list[dict[str, Any]]:
    """Reads the results of every experiment of a directory, all of its sets, by name."""
    last = [(path, read_json(path, "stage 13")) for path in sorted(expdir.glob(f"*/{RESULTS}"))]
    return [record for path, latest in last for record in read_sets(path.parent, latest)]


def read_sets(exp_dir: Path, latest: dict[str, Any]) -> list[dict[str, Any]]:
    """Reads the results of every set that was decoded as the latest one was.

    Args:
        exp_dir: The experiment.
        latest: Its latest record; those of another training are left out.
    """
    paths = sorted((exp_dir / latest["inference_tag"]).glob(f"*/{RESULTS}"))
    records = [read_json(path, "stage 13") for path in paths]
    training = json.loads(json.dumps(latest["training"]))  # as files have it
    own = [record for record in records if record["training"] == training]
    others = [record for record in own if record["set"] != latest["set"]]
    return sorted([latest, *others], key=lambda record: str(record["set"]))
