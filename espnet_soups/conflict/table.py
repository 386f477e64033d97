"""`conflict.csv`: a row for each number that stage 8 measures, see docs/conflict.md."""

import csv
import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from itertools import combinations
from pathlib import Path

from espnet_soups.files import write_text

FILE = "conflict.csv"
WHOLE = "all"  # the group of all shared parameters
QUANTITIES = ("cosine", "norm_ratio", "norm", "signal_share", "mean_cosine", "affinity")


@dataclass(frozen=True)
class Row:
    """One number; NaN if it cannot be estimated, with too few batches or too little signal.

    Attributes:
        checkpoint: The measured checkpoint: `start`, or the name of a model file.
        group: The parameters: `all`, or the module that holds them.
        first: An objective; empty for `mean_cosine`.
        second: The other objective of a pair; empty for numbers of a single objective.
        quantity: One of `QUANTITIES`.
        value: The estimate.
        low: Lower end of its interval.
        high: Upper end of its interval.
        p: Two-sided p value of "the truth is 0", for cosines and affinities.
        batches: Number of batches with labels; of a pair, that of the objective with fewer.
    """

    checkpoint: str
    group: str
    first: str
    second: str
    quantity: str
    value: float
    low: float
    high: float
    p: float
    batches: int


COLUMNS = tuple(field.name for field in fields(Row))
NUMBERS = ("value", "low", "high", "p")


def write_conflicts(path: Path, rows: Iterable[Row]) -> None:
    """Write a table, completely or not at all; an unknown number becomes an empty cell.

    Args:
        path: File to write, CSV.
        rows: The rows.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        cells = [getattr(row, name) for name in COLUMNS]
        writer.writerow(
            ["" if isinstance(c, float) and math.isnan(c) else _short(c) for c in cells]
        )
    write_text(path, text.getvalue())


def read_conflicts(path: Path) -> list[Row]:
    """Read a table.

    Args:
        path: File to read, CSV.

    Returns:
        The rows, at least one.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no such table; the message names the file and the line.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist: stage 8 writes it.")
    try:
        lines = list(csv.reader(io.StringIO(path.read_bytes().decode("utf-8"))))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path} is no table of conflicts: {error}.") from error
    if not lines or tuple(lines[0]) != COLUMNS:
        raise ValueError(
            f"{path} must begin with the columns {','.join(COLUMNS)}, but begins with"
            f" {','.join(lines[0]) if lines else 'nothing'!r:.80}: it is no table of stage 8."
        )
    rows = [_parse(cells, f"{path}:{number}") for number, cells in enumerate(lines[1:], start=2)]
    if not rows:
        raise ValueError(f"{path} holds no row: run stage 8 again.")
    _check_complete(rows, path)
    return rows


def _check_complete(rows: Sequence[Row], path: Path) -> None:
    """Refuse a table in which a norm or a cosine of a checkpoint is missing or doubled.

    Raises:
        ValueError: If it does.
    """
    places = [(r.checkpoint, r.group, r.first, r.second, r.quantity) for r in rows]
    if len(set(places)) < len(places):
        twice = next(place for place in places if places.count(place) > 1)
        raise ValueError(f"{path} has {', '.join(filter(None, twice))} twice: run stage 8 again.")
    for checkpoint in dict.fromkeys(row.checkpoint for row in rows):
        names = [p[2] for p in places if p[:2] == (checkpoint, WHOLE) and p[4] == "norm"]
        expected = {frozenset(pair) for pair in combinations(names, 2)}
        found = {
            frozenset(p[2:4]) for p in places if p[:2] == (checkpoint, WHOLE) and p[4] == "cosine"
        }
        affinities = {
            name for p in places if p[0] == checkpoint and p[4] == "affinity" for name in p[2:4]
        }
        if found != expected or not affinities <= set(names):
            raise ValueError(
                f"{path} must have a norm of every objective and a cosine of every pair for the"
                f" checkpoint {checkpoint!r}, but has norms of {names} and {len(found)} cosines:"
                " run stage 8 again."
            )


def _parse(cells: Sequence[str], place: str) -> Row:
    if len(cells) != len(COLUMNS):
        raise ValueError(f"{place}: {len(COLUMNS)} cells are expected, but there are {len(cells)}.")
    given = dict(zip(COLUMNS, cells, strict=True))
    if given["quantity"] not in QUANTITIES:
        raise ValueError(
            f"{place}: `quantity` must be one of {list(QUANTITIES)}, but is {given['quantity']!r}."
        )
    try:
        numbers = {name: float(given[name]) if given[name] else math.nan for name in NUMBERS}
        batches = int(given["batches"])
    except ValueError as error:
        raise ValueError(f"{place}: a number is malformed: {error}.") from error
    return Row(
        checkpoint=given["checkpoint"],
        group=given["group"],
        first=given["first"],
        second=given["second"],
        quantity=given["quantity"],
        batches=batches,
        **numbers,
    )


def _short(cell: object) -> object:
    return f"{cell:.6g}" if isinstance(cell, float) else cell
