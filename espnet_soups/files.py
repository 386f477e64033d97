"""Kaldi-style tables (one line per utterance, `key value...`, sorted, UTF-8), and YAML files."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def read_table(path: Path, allow_empty: bool = False) -> dict[str, str]:
    """Reads a table.

    Args:
        path: The file.
        allow_empty: Whether a key may stand without a value (hypotheses may be empty).

    Returns:
        Key to value, in the order of the file.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a line is not UTF-8 or empty, a key comes twice or has no value, or there is
            no line at all; the message names the file and the line.
    """
    table: dict[str, str] = {}
    with open(path, "rb") as file:  # bytes: U+2028 and the like must not end a line
        for number, raw in enumerate(file, start=1):
            try:
                line = raw.decode("utf-8").strip("\r\n")
            except UnicodeDecodeError as error:
                raise ValueError(
                    f"{path}:{number}: the line is not UTF-8 ({error.reason} at byte"
                    f" {error.start}); convert the file, e.g. with iconv."
                ) from error
            key, _, value = line.strip(" \t").partition(" ")
            if not key:
                raise ValueError(f"{path}:{number}: the line is empty; expected `key value`.")
            if "\t" in key:
                raise ValueError(f"{path}:{number}: a tab stands where a space is expected.")
            if key in table:
                raise ValueError(f"{path}:{number}: utterance id {key} comes twice.")
            value = value.strip(" ")
            if not value and not allow_empty:
                raise ValueError(
                    f"{path}:{number}: {key} has no value; a label that is missing is written"
                    " `<na>`."
                )
            table[key] = value
    if not table:
        raise ValueError(f"{path} is empty; expected one line `key value` per utterance.")
    return table


def write_table(path: Path, table: Mapping[str, str]) -> None:
    """Writes a table, sorted by key; the file appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, "".join(f"{key} {table[key]}\n" for key in sorted(table)))


def write_text(path: Path, text: str) -> None:
    """Writes a text file; it appears whole or not at all."""
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML mapping.

    Raises:
        OSError: If there is no such file.
        ValueError: If it is no YAML, or no mapping; the message has the line.
    """
    import yaml

    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = "" if mark is None else f":{mark.line + 1}"
        raise ValueError(f"{path}{place} is not valid YAML: {error.problem}.") from error
    except yaml.YAMLError as error:
        raise ValueError(f"{path} is not valid YAML: {' '.join(str(error).split())}.") from error
    if not isinstance(found, dict | None):
        raise ValueError(f"{path} must hold `key: value` lines, but holds {found!r:.60}.")
    return found or {}


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Gives a temporary file to write, which becomes `path` at the end, or is removed.

    Raises:
        OSError: As the system raises it, but naming `path`: of a full disk it names no file.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        if error.errno is not None and error.filename is None:
            error.filename = str(path)
        raise
    finally:
        temporary.unlink(missing_ok=True)
