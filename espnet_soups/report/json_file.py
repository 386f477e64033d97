"""JSON and JSON-lines files, read with the file and line of whatever is wrong."""

import json
from pathlib import Path
from typing import Any


def read_json(path: Path, made_by: str) -> dict[str, Any]:
    """Read a JSON object.

    Args:
        path: The file.
        made_by: What writes it, for the error message.

    Raises:
        OSError: If it is missing.
        ValueError: If it is not a JSON object.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; run {made_by} first.")
    return _parse(path.read_bytes(), str(path), made_by)


def read_json_lines(path: Path, made_by: str) -> list[dict[str, Any]]:
    """Read a JSON object from each line.

    Raises:
        OSError: If it is missing.
        ValueError: If a line is not a JSON object.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; run {made_by} first.")
    return [
        _parse(line, f"{path}, line {number}", made_by)
        for number, line in enumerate(path.read_bytes().split(b"\n"), start=1)
        if line.strip()
    ]


def _parse(content: bytes, place: str, made_by: str) -> dict[str, Any]:
    try:
        value = json.loads(content)
    except ValueError as error:
        raise ValueError(f"{place} is not JSON ({error}); run {made_by} anew.") from error
    if not isinstance(value, dict):
        raise ValueError(f"{place} must hold an object, but holds {value!r:.60}.")
    return value
