"""Published results of a recipe: one line per decoded set, kept when others are run."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from espnet_soups.files import read_json_lines
from espnet_soups.report.results import RESULTS, check_result, read_result

PUBLISHED = "results.jsonl"


def upsert(path: Path, record: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the records of a file with one added, in place of an earlier one of that decoding.

    Args:
        path: The file, JSON lines; it need not exist.
        record: The record to add, as in results.json.

    Raises:
        ValueError: If a line of the file is not a record.
    """
    records = read_json_lines(path, "stage 13") if path.is_file() else []
    for number, item in enumerate(records, start=1):
        if "name" not in item:
            raise ValueError(f"{path}, record {number} has no `name`; remove it or run stage 13.")
        check_result(item, f"{path}, record {number}")
    keys = [identity(item) for item in records]
    if identity(record) in keys:
        records[keys.index(identity(record))] = record
    else:
        records.append(record)
    return sorted(records, key=identity)


def identity(record: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return the key of a decoding: experiment, inference tag, set.

    Args:
        record: A decoding, as in results.json.
    """
    return (str(record["name"]), str(record.get("inference_tag")), str(record.get("set")))


def render_lines(records: Sequence[dict[str, Any]]) -> str:
    """Return the text of the file, with unsorted keys so that diffs stay small.

    Args:
        records: The records, in order.
    """
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def read_siblings(
    expdir: Path, render: Callable[[dict[str, Any]], object]
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Read the results of every decoding of every experiment of a directory, by name.

    An experiment reported by an earlier release has a single result, beside its model.

    Args:
        expdir: Folder with the experiments.
        render: Function that raises an error for an invalid record.

    Returns:
        (the records, the reason why another experiment was left out by name: its defects must not
        stop other reports).
    """
    records, left_out = [], {}
    for folder in sorted(path for path in expdir.iterdir() if path.is_dir()):
        for path in sorted(folder.glob(f"*/*/{RESULTS}")) or sorted(folder.glob(RESULTS)):
            try:
                record = read_result(path)
                _require_names(record)
                render(record)
            except (OSError, ValueError) as error:
                left_out[folder.name] = str(error)
            except (LookupError, TypeError, AttributeError) as error:
                why = f"{type(error).__name__}: {error}"
                left_out[folder.name] = f"{path} is not what stage 13 wrote ({why}); run it anew"
            else:
                records.append(record)
    return records, left_out


def _require_names(record: Mapping[str, Any]) -> None:
    for key in ("name", "inference_tag", "set"):
        if not isinstance(record[key], str):
            raise TypeError(f"`{key}` is {record[key]!r}")
