"""Read and write arrays in Kaldi's archives; no command is run, no object unpickled."""

import io
import re
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from espnet_soups.files import read_table, whole_file, write_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

# `file`, `file:byte` or `file:byte[rows,columns]`, as Kaldi writes them.
PLACE = re.compile(r"(?P<file>.+?)(?::(?P<byte>\d+))?(?:\[(?P<range>[\d:,]*)\])?", re.DOTALL)
BINARY = (b"\0BFM ", b"\0BDM ", b"\0BFV ", b"\0BDV ", b"\0BCM ", b"\0BCM2 ", b"\0BCM3 ")
WHOLE = b"\0B\4"  # a vector of whole numbers
LOOK = 64  # bytes of the beginning of an array
# Content that other libraries put into archives: reading some of it runs code from the archive.
OTHERS = {b"PKL": "a pickled object", b"NPY": "an array of numpy", b"AUDIO": "audio"}
OTHERS |= {b"RIFF": "audio (WAV)", b"fLaC": "audio (FLAC)"}
DAMAGED = (ValueError, EOFError, AssertionError, struct.error, LookupError, RuntimeError)
ARRAYS = "array.scp"  # of results that are numbers


class ArrayTable(Mapping[str, "NDArray[Any]"]):
    """Mapping of the arrays that a table such as `feats.scp` lists; each is read when asked for.

    Args:
        path: The table.

    Raises:
        OSError: If there is no such file.
        ValueError: If it is malformed, or an entry is a command.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.places = path, read_table(path)
        refuse_commands(path, self.places)

    def __iter__(self) -> Iterator[str]:
        """Return the keys."""
        return iter(self.places)

    def __len__(self) -> int:
        """Return the number of arrays."""
        return len(self.places)

    def __getitem__(self, key: str) -> "NDArray[Any]":
        """Read an array.

        Raises:
            OSError: If its file is missing.
            ValueError: If it cannot be read; the message names the table and the key.
        """
        place = self.places[key]
        try:
            return read_array(place)
        except FileNotFoundError as error:
            raise FileNotFoundError(f"{self.path}: {key}: {error}") from error
        except ValueError as error:
            raise ValueError(f"{self.path}: {key}: {error}") from error


def refuse_commands(path: Path, places: Mapping[str, str]) -> None:
    """Refuse a table with entries that Kaldi runs as commands, or reads from standard input.

    Args:
        path: The table, for the message.
        places: Key to place.

    Raises:
        ValueError: If an entry is a command.
    """
    for key, place in places.items():
        if is_command(place):
            raise ValueError(
                f"{path}: {key} is a pipe ({place!r:.80}), and commands in tables are"
                " not run: write plain paths of files."
            )


def is_command(place: str) -> bool:
    """Return whether Kaldi would run an entry of a table, or read standard input for it.

    Args:
        place: The value of the entry.

    >>> is_command("cat a.ark |"), is_command("a.ark:12")
    (True, False)
    """
    bare = place.strip()
    return bare.startswith("|") or bare.endswith("|") or bare == "-"


def read_array(place: str) -> "NDArray[Any]":
    """Read a matrix or vector in Kaldi's format.

    Args:
        place: `file`, `file:byte`, or either with a range of rows and columns, such as `[0:9,3:5]`.

    Returns:
        The numbers, `(frames, width)` or `(width,)`.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is a command, or there is no matrix or vector at that place.
    """
    if is_command(place):
        raise ValueError(f"{place!r:.80} is a pipe, and commands are not run.")
    found = PLACE.fullmatch(place)
    path = Path(place if found is None else found["file"])
    if found is None or "\0" in place or not path.is_file():
        raise FileNotFoundError(f"{path} does not exist.")
    with open(path, "rb") as file:
        try:
            file.seek(int(found["byte"] or 0))
            array = _read(file)
            return array[_slices(found["range"])] if found["range"] else array
        except DAMAGED as error:
            raise ValueError(f"{place} holds no matrix or vector of Kaldi's: {error}.") from error
        except (MemoryError, OverflowError) as error:
            raise ValueError(
                f"{place} is damaged: it claims to hold more than there is."
            ) from error


def _read(file: BinaryIO) -> Any:
    from kaldiio.matio import read_int32vector, read_matrix_or_vector

    start = file.tell()
    begin = file.read(LOOK)
    file.seek(start)
    if begin.startswith(BINARY):
        return read_matrix_or_vector(file)
    if begin.startswith(WHOLE):
        return read_int32vector(file)
    if begin.lstrip().startswith(b"["):
        return _read_text(file)
    other = next((what for sign, what in OTHERS.items() if begin.startswith(sign)), None)
    raise ValueError(f"{other} is not read" if other else f"it begins with {begin[:8]!r}")


def _read_text(file: BinaryIO) -> "NDArray[Any]":
    """Read numbers between brackets: a vector on the first line, or a matrix from the next on."""
    import numpy as np

    rows: list[bytes] = []
    for line in file:
        rows.append(line.partition(b"]")[0])
        if b"]" in line:
            break
    else:
        raise ValueError("there is no `]`")
    rows[0] = rows[0].lstrip().removeprefix(b"[")
    numbers = [[float(word) for word in row.split()] for row in rows if row.strip()]
    array = np.array(numbers, dtype=np.float32)
    return array if not rows[0].strip() else array[0]


def _slices(text: str) -> tuple[slice, ...]:
    """Return the slices of Kaldi's `0:9,3:5`, in which the last number is included."""
    found = []
    for part in text.split(","):
        ends = [int(word) for word in part.split(":") if word]
        found.append(slice(ends[0], ends[-1] + 1) if ends else slice(None))
    return tuple(found)


def write_arrays(folder: Path, arrays: "Mapping[str, NDArray[Any]]") -> None:
    """Write `array.ark` and `array.scp`, each whole or not at all.

    Args:
        folder: The folder to write to; `array.scp` names the ark by its absolute path.
        arrays: Utterance id to vector `(width,)` or frames `(frames, width)`.
    """
    import kaldiio

    # in memory first: kaldiio's own error on a full disk is not one sentence
    content, table = io.BytesIO(), io.StringIO()
    content.name = str(folder.resolve() / "array.ark")  # type: ignore[attr-defined]
    kaldiio.save_ark(content, arrays, scp=table)
    with whole_file(folder / "array.ark") as temporary:
        temporary.write_bytes(content.getvalue())
    lines = (line.split(" ", 1) for line in table.getvalue().split("\n") if line)
    write_table(folder / ARRAYS, dict(lines))
