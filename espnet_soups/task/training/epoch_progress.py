"""Show the progress of an epoch: on the terminal, in the log, and in a file for the follower."""

import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from espnet2.train.reporter import SubReporter

from espnet_soups.data.features import read_feature_config
from espnet_soups.files import write_json
from espnet_soups.ranks import rank_and_size
from espnet_soups.terminal import renew_line

FILE = "progress.json"
TERMINAL_SECONDS = 2.0  # from one line to the next on a terminal, where each replaces the last
LOG_SECONDS = 60.0  # from one line to the next in a log
RECENT = 50  # mini-batches whose mean loss is shown


@dataclass(frozen=True)
class Progress:
    """Progress of an epoch.

    Attributes:
        epoch: Number of the epoch, from 1.
        max_epoch: Number of the last epoch.
        made: Optimiser steps of the epoch that are made.
        steps: Optimiser steps of the whole epoch.
        here: Steps that this process has made.
        seconds: Time that these took.
        audio: Seconds of audio in their mini-batches, of all ranks; None: not known.
        loss: Mean loss of the last mini-batches; None: not known.
    """

    epoch: int
    max_epoch: int
    made: int
    steps: int
    here: int
    seconds: float
    audio: float | None = None
    loss: float | None = None

    def describe(self) -> str:
        """Return the progress as a line of text.

        >>> Progress(1, 5, 50, 1000, 50, 60.0, 1200.0).describe()
        'epoch 1/5: step 50 of 1,000, 20 s of audio per second; about 19 min left, 1.6 h in all'
        >>> Progress(2, 2, 50, 60, 10, 60.0, loss=2.345678).describe()
        'epoch 2/2: step 50 of 60, loss 2.346; about 60 s left'
        """
        parts = [f"epoch {self.epoch}/{self.max_epoch}: step {self.made:,} of {self.steps:,}"]
        if self.audio is not None:
            parts.append(f"{self.audio / self.seconds:.0f} s of audio per second")
        if self.loss is not None:
            parts.append(f"loss {self.loss:.3f}")
        step = self.seconds / self.here
        left = f"about {in_words(step * (self.steps - self.made))} left"
        if self.epoch < self.max_epoch:
            rest = (self.max_epoch - self.epoch) * self.steps + self.steps - self.made
            left += f", {in_words(step * rest)} in all"
        return f"{', '.join(parts)}; {left}"


def in_words(seconds: float) -> str:
    """Return a duration in a suitable unit.

    Args:
        seconds: The duration.

    >>> in_words(59.6), in_words(1140.0), in_words(5760.0), in_words(400000.0)
    ('60 s', '19 min', '1.6 h', '111 h')
    """
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.{1 if seconds < 36000 else 0}f} h"


def seconds_of_frame(settings: Mapping[str, Any]) -> float | None:
    """Return the seconds from one frame or sample to the next; None: `feats_conf` is empty.

    Args:
        settings: The options of the run.
    """
    if not settings.get("feats_conf"):
        return None
    config = read_feature_config(settings["feats_conf"])
    return 1.0 / config.fs if config.type == "raw" else config.frame_seconds


class WatchedBatches:
    """Iterator over the mini-batches of an epoch that shows its progress.

    Args:
        batches: The mini-batches; they have a length, and `done` if some have been trained before.
        path: `progress.json`; None: show nothing, as on all ranks but the first.
        reporter: The statistics of the epoch.
        max_epoch: Number of the last epoch.
        accum_grad: Mini-batches per optimiser step.
        frame_seconds: See `seconds_of_frame`.
        clock: Function that returns the time in seconds.
    """

    def __init__(
        self,
        batches: Any,
        path: Path | None,
        reporter: SubReporter,
        max_epoch: int,
        accum_grad: int,
        frame_seconds: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.batches, self.path, self.reporter = batches, path, reporter
        self.max_epoch, self.accum_grad = max_epoch, accum_grad
        self.frame_seconds, self.clock = frame_seconds, clock
        self._frames = 0
        self._taken = 0

    def place(self) -> str:
        """Return where training is, such as `epoch 2, mini-batch 3 of 12`."""
        epoch = self.reporter.get_epoch()
        return f"epoch {epoch}, mini-batch {self._taken} of {len(self)}"

    def __len__(self) -> int:
        """Return the number of mini-batches in the whole epoch."""
        return len(self.batches)

    def __iter__(self) -> Iterator[Any]:
        """Yield the mini-batches."""
        start = shown = self.clock()
        due = start + LOG_SECONDS  # in the log
        before = getattr(self.batches, "done", 0)
        for here, batch in enumerate(self.batches):
            now = self.clock()
            is_due = here >= self.accum_grad and now - shown >= TERMINAL_SECONDS
            if self.path is not None and is_due:
                shown = now
                progress = self._progress(before + here, here, now - start)
                write_json(self.path, {**vars(progress), "line": progress.describe()})
                renew_line(progress.describe())
                if now >= due:
                    due = now + LOG_SECONDS
                    logging.info(progress.describe())
            self._taken = before + here + 1
            yield batch
            if self.frame_seconds is not None:
                self._frames += int(batch[1]["speech_lengths"].sum())

    def _progress(self, done: int, here: int, seconds: float) -> Progress:
        recent = [v.value for v in self.reporter.stats.get("loss", ())[-RECENT:]]
        finite = [value for value in recent if math.isfinite(value)]
        ranks = rank_and_size()[1]  # each has about as much audio
        return Progress(
            self.reporter.get_epoch(),
            self.max_epoch,
            done // self.accum_grad,
            len(self) // self.accum_grad,
            here // self.accum_grad,
            seconds,
            None if self.frame_seconds is None else self._frames * self.frame_seconds * ranks,
            sum(finite) / len(finite) if finite else None,
        )


def estimate(records: Sequence[Mapping[str, Any]], epochs: float) -> str:
    """Return how long the remaining epochs will take, judged by the last one; empty: not known.

    Args:
        records: The lines of `soup.jsonl`.
        epochs: Number of epochs that are left.

    >>> estimate([{"epoch": 1, "seconds": 50.0, "valid_seconds": 10.0}], 4.5)
    '; about 4 min left, since epoch 1 took 60 s'
    """
    if not records or epochs <= 0:
        return ""
    last = records[-1]
    seconds = last.get("seconds", 0.0) + last.get("valid_seconds", 0.0)
    return f"; about {in_words(seconds * epochs)} left, since epoch {last['epoch']} took" + (
        f" {in_words(seconds)}"
    )
