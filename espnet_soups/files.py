"""Every disk format of the package: tables, texts, JSON and YAML, read with the place of a fault.

Tables are Kaldi's: one line per utterance, `key value…`, UTF-8. A byte order mark, which some
editors put before a text, is passed over. What is written appears whole or not at all.
"""

import codecs
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml


def read_table(path: Path, allow_empty: bool = False) -> dict[str, str]:
    """Read a table.

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
                line = _without_mark(path, raw, first=number == 1).decode("utf-8").strip("\r\n")
            except UnicodeDecodeError as error:
                raise ValueError(
                    f"{path}:{number}: the line is not UTF-8 ({error.reason} at byte"
                    f" {error.start}); convert the file, e.g. with iconv."
                ) from error
            key, _, value = line.strip(" \t").partition(" ")
            value = value.strip(" ")
            _check_entry(f"{path}:{number}", key, value, table, allow_empty)
            table[key] = value
    if not table:
        raise ValueError(f"{path} is empty; expected one line `key value` per utterance.")
    return table


def _without_mark(path: Path, content: bytes, first: bool = True) -> bytes:
    """Return a text, or the first line of one, without its byte order mark.

    Raises:
        ValueError: If the mark is that of UTF-16.
    """
    if first and content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise ValueError(
            f"{path} is UTF-16, but must be UTF-8: convert it, e.g. by `iconv -f UTF-16 -t UTF-8`."
        )
    return content.removeprefix(codecs.BOM_UTF8) if first else content


def _check_entry(
    place: str, key: str, value: str, table: Mapping[str, str], allow_empty: bool
) -> None:
    if not key:
        raise ValueError(f"{place}: the line is empty; expected `key value`.")
    if key.startswith("\ufeff"):
        raise ValueError(f"{place}: a byte order mark (BOM) stands before the id: remove it.")
    if "\t" in key:
        raise ValueError(f"{place}: a tab stands where a space is expected.")
    if key in table:
        raise ValueError(f"{place}: utterance id {key} comes twice.")
    if not value and not allow_empty:
        raise ValueError(f"{place}: {key} has no value; a label that is missing is written `<na>`.")


def read_texts(path: Path) -> dict[str, str]:
    """Read a table of texts: runs of white space are one space, and a text may be empty.

    Args:
        path: The file; it may have no line at all.

    Returns:
        The text of each key, in the order of the file.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a line is not UTF-8 or empty, or a key comes twice; the message names the
            file and the line.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; the stage that writes it has not run.")
    texts: dict[str, str] = {}
    # bytes: str.splitlines would cut at U+2028 inside a text
    content = _without_mark(path, path.read_bytes())
    lines = content.removesuffix(b"\n").split(b"\n") if content else []
    for number, line in enumerate(lines, start=1):
        try:
            words = line.decode("utf-8").split()
        except UnicodeDecodeError as error:
            raise ValueError(
                f"{path}, line {number} is not UTF-8 ({error.reason} at byte {error.start + 1});"
                " convert the file, e.g. with iconv."
            ) from error
        if not words:
            raise ValueError(f"{path}, line {number} is empty; each line needs a key.")
        if words[0] in texts:
            raise ValueError(f"{path}, line {number} repeats the key {words[0]}; keep one of them.")
        texts[words[0]] = " ".join(words[1:])
    return texts


def read_yaml(path: Path, what: str) -> dict[str, Any]:
    """Read a YAML mapping.

    Args:
        path: The file; an empty one is an empty mapping.
        what: What it is, such as "the grid of weights", for the message where it is missing.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no YAML, or no mapping; the message names the file and the line.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}, {what}, does not exist; name an existing one.")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # config.yaml has long token lists
    try:
        content = _without_mark(path, path.read_bytes())
        found = yaml.load(content, loader)
    except yaml.MarkedYAMLError as error:
        line = None if error.problem_mark is None else error.problem_mark.line
        place = "" if line is None else f":{line + 1}"
        why = f"{error.problem}{_of_tab(content, line)}"
        raise ValueError(f"{path}{place} is not valid YAML: {why}.") from error
    except yaml.YAMLError as error:
        raise ValueError(f"{path} is not valid YAML: {' '.join(str(error).split())}.") from error
    if not isinstance(found, dict | None):
        raise ValueError(f"{path} must hold `key: value` lines, but holds {found!r:.60}.")
    return found or {}


def _of_tab(content: bytes, line: int | None) -> str:
    """Return what to add to an error of YAML in a line that a tab begins; often nothing."""
    lines = content.split(b"\n")
    faulty = lines[line] if line is not None and line < len(lines) else b""
    begin = faulty[: len(faulty) - len(faulty.lstrip())]
    return "; a tab stands before it, but YAML indents by spaces" if b"\t" in begin else ""


def read_json(path: Path, made_by: str) -> dict[str, Any]:
    """Read a JSON object.

    Args:
        path: The file.
        made_by: What writes it, such as "stage 12", for the error message.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not a JSON object.
    """
    return _parse(_read_made(path, made_by), str(path), made_by)


def read_json_lines(path: Path, made_by: str) -> list[dict[str, Any]]:
    """Read a JSON object from each line that is not empty.

    Args:
        path: The file.
        made_by: What writes it, for the error message.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a line is not a JSON object; the message names the file and the line.
    """
    return [
        _parse(line, f"{path}, line {number}", made_by)
        for number, line in enumerate(_read_made(path, made_by).split(b"\n"), start=1)
        if line.strip()
    ]


def _read_made(path: Path, made_by: str) -> bytes:
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; run {made_by} first.")
    return path.read_bytes()


def _parse(content: bytes, place: str, made_by: str) -> dict[str, Any]:
    try:
        value = json.loads(content)
    except ValueError as error:
        raise ValueError(f"{place} is not JSON ({error}); run {made_by} anew.") from error
    if not isinstance(value, dict):
        raise ValueError(f"{place} must hold an object, but holds {value!r:.60}.")
    return value


def write_table(path: Path, table: Mapping[str, str]) -> None:
    """Write a table, sorted by key; the file appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, "".join(f"{key} {table[key]}\n" for key in sorted(table)))


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write a JSON object, a line for each item; the file appears whole or not at all."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=1) + "\n")


def write_json_lines(path: Path, records: Iterable[Mapping[str, Any]]) -> None:
    """Write a JSON object into each line; the file appears whole or not at all."""
    write_text(path, "".join(f"{json.dumps(one, ensure_ascii=False)}\n" for one in records))


def write_text(path: Path, text: str) -> None:
    """Write a text file; it appears whole or not at all."""
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a temporary file to write, which becomes `path` at the end, or is removed.

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
