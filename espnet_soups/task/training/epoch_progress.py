"""How far an epoch is, for the terminal: the first one of a large corpus may take an hour."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from espnet_soups.files import write_json

FILE = "progress.json"
FIRST_SECONDS = 60.0  # until the first epoch of a process is estimated
NEXT_SECONDS = 600.0  # from one line to the next


class WatchedBatches:
    """The mini-batches of an epoch; while they are taken, `progress.json` says how far it is.

    Args:
        batches: What yields them; it has a length.
        path: The file; None: nothing is written, as on all ranks but the first.
        epoch: Number of the epoch, from 1.
        first: Mini-batches after which it is first written; None: after `NEXT_SECONDS` alone.
        clock: Returns the time in seconds.
    """

    def __init__(
        self,
        batches: Any,
        path: Path | None,
        epoch: int,
        first: int | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.batches, self.path, self.epoch = batches, path, epoch
        self.first, self.clock = first, clock
        self._taken = 0

    def place(self) -> str:
        """Return where training is, such as `epoch 2, mini-batch 3 of 12`."""
        return f"epoch {self.epoch}, mini-batch {self._taken} of {len(self)}"

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.batches)

    def __iter__(self) -> Iterator[Any]:
        """Yield them."""
        start = self.clock()
        due = NEXT_SECONDS if self.first is None else FIRST_SECONDS
        for done, batch in enumerate(self.batches):
            seconds = self.clock() - start
            if done and (done == self.first or seconds >= due):
                early = seconds < FIRST_SECONDS / 2  # then there is one more after a minute
                due = FIRST_SECONDS if early else seconds + NEXT_SECONDS
                self._write(done, seconds)
            self._taken = done + 1
            yield batch

    def _write(self, done: int, seconds: float) -> None:
        record = {"epoch": self.epoch, "done": done, "batches": len(self), "seconds": seconds}
        if self.path is not None:
            write_json(self.path, record)


def log_interval_of(given: int | None, batches: int) -> int:
    """Return after how many mini-batches ESPnet writes a line into the log.

    >>> log_interval_of(None, 1000), log_interval_of(None, 30), log_interval_of(5, 1000)
    (50, 10, 5)
    """
    return given or max(batches // 20, 10)
