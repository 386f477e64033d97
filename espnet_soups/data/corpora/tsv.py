"""Read the tab-separated tables of Common Voice and CoVoST without losing a row."""

from collections.abc import Iterator, Sequence
from pathlib import Path


def read_tsv(path: Path, columns: Sequence[str], problems: list[str]) -> Iterator[list[str]]:
    r"""Read columns of a table, one row per line.

    Quotes and backslashes are ordinary characters, `NA` is a text, and only a line feed ends a row
    (U+2028 and U+0085 occur inside sentences). `\"` becomes a quote, as in the official reader.

    Args:
        path: The file; its first line names the columns.
        columns: Names of the columns to read.
        problems: List to extend by a line for each row with too few or too many fields, which is
            left out.

    Yields:
        The fields of a row, in the order of `columns`.

    Raises:
        OSError: If there is no such file.
        ValueError: If it is not UTF-8, has no header, or lacks a column.
    """
    with open(path, "rb") as file:
        header = _decode(file.readline(), path, 1).lstrip("\ufeff").split("\t")
        lacking = [name for name in columns if name not in header]
        if header == [""]:
            raise ValueError(f"{path} has no header line: unpack or fetch the file again.")
        if lacking:
            raise ValueError(f"{path} has the columns {header}, but {lacking} is needed.")
        positions = [header.index(name) for name in columns]
        least = max(positions) + 1
        for number, raw in enumerate(file, start=2):
            line = _decode(raw, path, number)
            fields = line.split("\t")
            if least <= len(fields) <= len(header):
                values = [fields[position] for position in positions]
                yield [v.replace('\\"', '"') for v in values] if "\\" in line else values
            elif line:
                problems.append(f"{path}:{number}: {len(fields)} fields, expected {len(header)}")


def _decode(raw: bytes, path: Path, number: int) -> str:
    try:
        return raw.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path}:{number}: the line is not UTF-8 ({error.reason} at byte {error.start}); fetch"
            " or convert the file again."
        ) from error
