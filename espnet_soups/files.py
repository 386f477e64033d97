"""Read and write every disk format of the package; an error names the file, line or key.

Tables are Kaldi's: one line per utterance, `key value…`, UTF-8. A byte order mark, which some
editors put before a text, is skipped. A file that is written appears whole or not at all.
"""

import codecs
import gzip
import json
import os
import re
import sys
import unicodedata
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from espnet_soups.typed import find_misfit
from espnet_soups.yaml_loader import MOST_DIGITS, StrictLoader

BOM = "\ufeff"
LINE = "{path}:{number}: the line"  # how messages name one
SHORT = 16  # characters of values that recur: languages, speakers, lengths, `<na>`


def read_lines(path: Path, called: str = LINE) -> Iterator[str]:
    """Read the lines of a text file, plain or (by its name, `.gz`) gzipped.

    Only a line feed ends a line, with or without a carriage return before it: U+2028, U+0085 and
    control characters occur inside sentences.

    Args:
        path: The file.
        called: How messages name a line; `{path}` and `{number}` are filled in.

    Yields:
        Its lines without their ends.

    Raises:
        OSError: If there is no such file.
        ValueError: If it ends in `.gz` but is not a whole gzip file, or a line is not UTF-8 or
            holds a carriage return, which ESPnet and Kaldi take for the end of a line; the message
            names file and line.
    """
    packed = path.suffix == ".gz"
    if packed and path.stat().st_size == 0:
        raise ValueError(f"{path} is damaged, or not a gzip file (it is empty); get it again.")
    with gzip.open(path) if packed else open(path, "rb") as file:
        lines = enumerate(file, start=1)
        while True:
            try:
                number, raw = next(lines)
            except StopIteration:
                return
            except (gzip.BadGzipFile, EOFError, zlib.error) as error:
                raise ValueError(
                    f"{path} is damaged, or not a gzip file ({error}); get it again."
                ) from error
            if number == 1:
                raw = _without_mark(path, raw)
            yield _decode(raw.removesuffix(b"\n"), called, path, number)


def _without_mark(path: Path, content: bytes) -> bytes:
    """Return the beginning of a text without its byte order mark.

    Raises:
        ValueError: If the mark is that of UTF-16.
    """
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise ValueError(
            f"{path} is UTF-16, but must be UTF-8: convert it, e.g. by `iconv -f UTF-16 -t UTF-8`."
        )
    return content.removeprefix(codecs.BOM_UTF8)


def _decode(raw: bytes, called: str, path: Path, number: int) -> str:
    try:
        line = raw.decode("utf-8").removesuffix("\r")
    except UnicodeDecodeError as error:
        place = called.format(path=path, number=number)
        raise ValueError(
            f"{place} is not UTF-8 ({error.reason} at byte {error.start + 1}); convert the file,"
            " e.g. with iconv."
        ) from error
    if "\r" in line:
        place = called.format(path=path, number=number)
        raise ValueError(
            f"{place} holds a carriage return, which other programs take for its end; take it out,"
            " or end lines by line feeds, e.g. with dos2unix."
        )
    return line


def require_key(place: str, key: str) -> None:
    """Refuse a key that other programs would split, or read as another key.

    Args:
        place: The file and the line, for the message.
        key: The key.

    Raises:
        ValueError: If it is empty, holds white space or a control character, or begins with a byte
            order mark.
    """
    if key and key.isprintable() and " " not in key:  # no sign below is printable
        return
    if not key:
        raise ValueError(f"{place}: the line is empty; expected `key value`.")
    if "\t" in key:
        raise ValueError(f"{place}: there is a tab where a space is expected.")
    if key.startswith(BOM):
        raise ValueError(f"{place}: a byte order mark (BOM) precedes the id: remove it.")
    if any(letter.isspace() or unicodedata.category(letter) == "Cc" for letter in key):
        raise ValueError(
            f"{place}: the key {key!r} holds white space or a control character, at which other"
            " programs cut it; take it out."
        )


def add_once(table: dict[str, str], key: str, value: str, place: str) -> None:
    """Put an entry into a table; an identical second entry is accepted.

    Args:
        table: The table; changed in place.
        key: The key.
        value: Its value.
        place: The file and the line, for the message.

    Raises:
        ValueError: If the key is already there with another value.
    """
    if table.setdefault(key, value) != value:
        raise ValueError(
            f"{place}: {key} occurs twice, as {table[key]!r:.60} and as {value!r:.60}; keep one of"
            " them."
        )


def read_table(path: Path, allow_empty: bool = False) -> dict[str, str]:
    """Read a table.

    Args:
        path: The file.
        allow_empty: Whether a key may stand without a value (hypotheses may be empty).

    Returns:
        Key to value, in the order of the file.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a line is not UTF-8 or empty, a key occurs twice or has no value, or there is
            no line at all; the message names the file and the line.
    """
    table: dict[str, str] = {}
    for number, line in enumerate(read_lines(path), start=1):
        key, _, value = line.strip(" \t").partition(" ")
        value = value.strip(" ")
        if key in table or not (key and value and key.isprintable()):  # most lines need no message
            _check_entry(f"{path}:{number}", key, value, table, allow_empty)
        table[key] = sys.intern(value) if len(value) < SHORT else value
    if not table:
        raise ValueError(f"{path} is empty; expected one line `key value` per utterance.")
    return table


def _check_entry(
    place: str, key: str, value: str, table: Mapping[str, str], allow_empty: bool
) -> None:
    require_key(place, key)
    if key in table:
        raise ValueError(f"{place}: utterance id {key} occurs twice.")
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
        ValueError: If a line is not UTF-8 or empty, or a key occurs twice; the message names the
            file and the line.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; the stage that writes it has not run.")
    texts: dict[str, str] = {}
    for number, line in enumerate(read_lines(path, "{path}, line {number}"), start=1):
        place = f"{path}, line {number}"
        key, *words = re.split(r"[ \t]+", line.strip(" \t"))
        if not key:
            raise ValueError(f"{place} is empty; each line needs a key.")
        require_key(place, key)
        if key in texts:
            raise ValueError(f"{place} repeats the key {key}; keep one of them.")
        texts[key] = " ".join(" ".join(words).split())
    return texts


def read_yaml(path: Path, what: str, shape: Any = dict) -> dict[str, Any]:
    """Read a YAML mapping.

    Args:
        path: The file; an empty one is an empty mapping.
        what: What the file is, such as "the grid of weights", for the message if it is missing.
        shape: The shape it must have, see `find_misfit`.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not YAML, not a mapping of names, has another shape, or repeats a key
            in a mapping; the message names the file, and the line or the key.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}, {what}, does not exist; name an existing one.")
    found = parse_yaml(_without_mark(path, path.read_bytes()), str(path))
    if not isinstance(found, dict | None):
        raise ValueError(f"{path} must hold `key: value` lines, but holds {found!r:.60}.")
    strange = [key for key in found or {} if not isinstance(key, str)]
    if strange:
        raise ValueError(f"{path}: the key {strange[0]!r:.60} is not a text; write it in quotes.")
    misfit = find_misfit(found or {}, shape)
    if misfit is not None:
        raise ValueError(f"{path} is malformed: {misfit}.")
    return found or {}


def parse_yaml(content: bytes | str, place: str) -> Any:
    """Return the value that a YAML text holds.

    Args:
        content: The text.
        place: How messages name it, such as the name of the file.

    Raises:
        ValueError: If it is not YAML, or repeats a key in a mapping.
    """
    try:
        return yaml.load(content, StrictLoader)
    except yaml.MarkedYAMLError as error:
        line = None if error.problem_mark is None else error.problem_mark.line
        place = place if line is None else f"{place}:{line + 1}"
        raise ValueError(
            f"{place} is not valid YAML: {error.problem}{_of_tab(content, line)}."
        ) from error
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(f"{place} is not valid YAML: {' '.join(str(error).split())}.") from error


def _of_tab(content: bytes | str, line: int | None) -> str:
    """Return the end of an error message for a line that begins with a tab; usually nothing."""
    text = content.encode() if isinstance(content, str) else content
    lines = text.split(b"\n")
    faulty = lines[line] if line is not None and line < len(lines) else b""
    begin = faulty[: len(faulty) - len(faulty.lstrip())]
    return "; a tab indents the line, but YAML indents by spaces" if b"\t" in begin else ""


def read_json(path: Path, made_by: str, shape: Any = dict) -> dict[str, Any]:
    """Read a JSON object.

    Args:
        path: The file.
        made_by: The program that writes it, such as "stage 12", for the message.
        shape: The shape it must have, see `find_misfit`.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not a JSON object of that shape.
    """
    return _parse(_read_made(path, made_by), str(path), made_by, shape)


def read_json_lines(path: Path, made_by: str, shape: Any = dict) -> list[dict[str, Any]]:
    """Read a JSON object from each line that is not empty.

    Args:
        path: The file.
        made_by: The program that writes it, for the message.
        shape: The shape that each line must have, see `find_misfit`.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a line is not a JSON object of that shape; the message names the file and the
            line.
    """
    return [
        _parse(line, f"{path}, line {number}", made_by, shape)
        for number, line in enumerate(_read_made(path, made_by).split(b"\n"), start=1)
        if line.strip()
    ]


def _read_made(path: Path, made_by: str) -> bytes:
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; run {made_by} first.")
    return _without_mark(path, path.read_bytes())


def _parse(content: bytes, place: str, made_by: str, shape: Any) -> dict[str, Any]:
    try:
        text = content.decode("utf-8")
        value = json.loads(text, object_pairs_hook=_no_twins, parse_int=_whole_number)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{place} is not JSON ({error}); run {made_by} anew.") from error
    if not isinstance(value, dict):
        raise ValueError(f"{place} must hold an object, but holds {value!r:.60}.")
    require_shape(value, shape, place, made_by)
    return value


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the key {next(n for n in names if names.count(n) > 1)!r} occurs twice")
    return found


def _whole_number(word: str) -> int:
    if len(word) > MOST_DIGITS:
        raise ValueError(f"a whole number of {len(word)} digits")
    return int(word)


def require_shape(value: object, shape: Any, place: str, made_by: str) -> None:
    """Refuse a value that is not as its program writes it.

    Args:
        value: The value that was read.
        shape: The shape it must have, see `find_misfit`.
        place: How the message names it, such as the name of the file.
        made_by: The program that writes it.

    Raises:
        ValueError: If the value has another shape.
    """
    misfit = find_misfit(value, shape)
    if misfit is not None:
        raise ValueError(f"{place} is not as it is written: {misfit}; run {made_by} anew.")


def write_table(path: Path, table: Mapping[str, str]) -> None:
    """Write a table, sorted by key; the file appears whole or not at all.

    Args:
        path: The file; its folder is made if missing.
        table: Key to value.

    Raises:
        OSError: If it cannot be written; the message names the file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with (
        whole_file(path) as temporary,
        temporary.open("w", encoding="utf-8", newline="\n") as file,
    ):
        file.writelines(f"{key} {table[key]}\n" for key in sorted(table))


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write a JSON object, one line per item; the file appears whole or not at all.

    Args:
        path: The file.
        value: The object.

    Raises:
        OSError: If it cannot be written; the message names the file.
    """
    write_text(path, json.dumps(value, ensure_ascii=False, indent=1) + "\n")


def write_json_lines(path: Path, records: Iterable[Mapping[str, Any]]) -> None:
    """Write one JSON object per line; the file appears whole or not at all.

    Args:
        path: The file.
        records: The objects.

    Raises:
        OSError: If it cannot be written; the message names the file.
    """
    write_text(path, "".join(f"{json.dumps(one, ensure_ascii=False)}\n" for one in records))


def write_text(path: Path, text: str) -> None:
    """Write a text file; it appears whole or not at all.

    Args:
        path: The file.
        text: Its content, written as UTF-8 with line feeds.

    Raises:
        OSError: If it cannot be written; the message names the file.
    """
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Open a temporary file to write; it replaces `path` at the end, or is removed after an error.

    Args:
        path: The file to make.

    Yields:
        The path of the temporary file, in the same folder.

    Raises:
        OSError: If the file cannot be written, as on a full disk; the message names `path`.
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
