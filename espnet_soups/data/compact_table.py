"""Hold a table of a million utterances in little more memory than its file has bytes.

A dict has objects for each key and value. Processes that were forked count references to them, and
so copy page after page: each worker of a data loader ends with a copy of its own.
"""

import codecs
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from espnet_soups.files import require_key

LINE_FEED = b"\n"


class CompactTable(Mapping[str, str]):
    """Table of lines `key value…` that are found by bisection; forked processes share it.

    Args:
        path: The file. Where its keys do not ascend, an index of them is made.

    Raises:
        OSError: If there is no such file.
        ValueError: If a line is empty or not UTF-8, or a key occurs twice.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.content = path.read_bytes().removeprefix(codecs.BOM_UTF8)
        self.starts = np.fromiter(self._find_lines(), dtype=np.int64)  # of lines, and the end
        self.order: Sequence[int] | np.ndarray = range(len(self.starts) - 1)
        self._check_order()

    def __getitem__(self, key: str) -> str:
        """Return the value of a key; empty: it has none."""
        wanted = key.encode()
        place = bisect_left(self.order, wanted, key=self._key)  # type: ignore[type-var]
        if place == len(self.order) or self._key(self.order[place]) != wanted:
            raise KeyError(key)
        _, *value = self._line(self.order[place]).split(maxsplit=1)
        try:
            return b"".join(value).decode().strip()
        except UnicodeDecodeError as error:
            raise ValueError(f"{self.path}: the line of {key} is not UTF-8 ({error}).") from error

    def __iter__(self) -> Iterator[str]:
        """Iterate over the keys, in the order of the file."""
        return (self._key(row).decode() for row in range(len(self)))

    def __len__(self) -> int:
        """Return the number of lines."""
        return len(self.starts) - 1

    def _find_lines(self) -> Iterator[int]:
        """Yield where lines begin, and the end of the last one."""
        start, size = 0, len(self.content)
        while start < size:
            yield start
            end = self.content.find(LINE_FEED, start)
            start = size if end < 0 else end + 1
        yield size

    def _line(self, row: int) -> bytes:
        return self.content[self.starts[row] : self.starts[row + 1]].rstrip(b"\r\n")

    def _key(self, row: int) -> bytes:
        return next(iter(self._line(row).split(maxsplit=1)), b"")

    def _check_order(self) -> None:
        """Check the keys, and sort them if they do not ascend."""
        last, ascending = b"", True
        for row in range(len(self)):
            key = self._key(row)
            if not key:
                require_key(f"{self.path}:{row + 1}", "")
            ascending = ascending and last < key
            last = key
        if ascending:
            return
        self.order = np.array(sorted(self.order, key=self._key), dtype=np.int64)
        keys = map(self._key, self.order)
        last = next(keys)
        for key in keys:
            if key == last:
                raise ValueError(
                    f"{self.path}: {key.decode(errors='replace')} occurs twice; keep one line."
                )
            last = key
