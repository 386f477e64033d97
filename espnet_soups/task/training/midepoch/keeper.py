"""Save inside an epoch when it is due or a signal asks for it, and resume from there."""

import logging
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

from espnet_soups.ranks import (
    gather_on_first_rank,
    is_distributed,
    largest_over_ranks,
    wait_for_all,
)
from espnet_soups.task.training.midepoch.batches import KeptBatches, digest_of
from espnet_soups.task.training.midepoch.checkpoint import FILE, find_midepoch, write_midepoch
from espnet_soups.task.training.midepoch.signals import PATIENCE, StoppedBySignalError, StopSignals
from espnet_soups.task.training.midepoch.state import EpochParts


class EpochKeeper:
    """Keeper of checkpoints inside the epoch that is being trained.

    Attributes:
        stop: The signals that end training.
        resumed: The checkpoint from which training resumes, until its epoch is opened.

    Args:
        output_dir: Folder of the run.
        minutes: Minutes from one checkpoint inside an epoch to the next; 0: none by time.
        steps: Optimiser steps from one to the next; 0: none by steps.
        accum_grad: Mini-batches per optimiser step.
        device: Device over which the ranks communicate.
        first: Whether this process writes the files.
        clock: Function that returns the time in seconds.
    """

    def __init__(
        self,
        output_dir: Path,
        minutes: float,
        steps: int,
        accum_grad: int,
        device: torch.device,
        first: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.output_dir, self.minutes, self.steps = output_dir, minutes, steps
        self.accum_grad, self.device, self.first, self.clock = accum_grad, device, first, clock
        self.stop = StopSignals(PATIENCE if is_distributed() else None)
        self.resumed: dict[str, Any] | None = None
        self._ended: tuple[dict[str, Any], dict[str, Any]] | None = None

    def find(self, epoch: int, factory: Any) -> str:
        """Look for a checkpoint inside the next epoch, and keep it in `resumed`.

        Args:
            epoch: The next epoch to train.
            factory: ESPnet's factory of its mini-batches.

        Returns:
            Why an existing one cannot be used; empty: it can, or there was none.
        """
        found = find_midepoch(self.output_dir, epoch, factory, self.accum_grad, self.device)
        self.resumed, reason = found
        return reason

    def open(self, parts: EpochParts, loader: Any) -> tuple[KeptBatches, int, float]:
        """Open an epoch, and restore the content of a checkpoint inside it.

        Args:
            parts: All parts that hold state, as at the beginning of the epoch.
            loader: Its mini-batches.

        Returns:
            (the mini-batches to train on, number of optimiser steps made before, seconds that they
            took).
        """
        self.parts, self.total, self._ended = parts, len(loader), None
        self._digest = digest_of(loader)
        states, self.resumed = self.resumed, None
        own = self._own_part(states)
        done = 0 if states is None else int(states["done"])
        if states is None:
            self.forget()
        else:
            parts.restore(states, own)
        self._saved_at, self._saved_time = done, self.clock()
        skipped = parts.network.guard.skipped
        del states  # as large as the model

        def begin() -> None:
            if own:
                parts.restore_random(own)

        batches = KeptBatches(loader, done, begin, self.between)
        seconds = time.perf_counter() - parts.reporter.start_time if done else 0.0
        return batches, done // self.accum_grad - skipped, seconds

    def forget(self) -> None:
        """Remove the file: a whole epoch has been saved since, or training begins anew."""
        if self.first:
            (self.output_dir / FILE).unlink(missing_ok=True)

    def between(self, done: int) -> None:
        """Save, or save and stop, if that is due.

        Args:
            done: Number of mini-batches of the epoch that are done.

        Raises:
            StoppedBySignalError: If a signal has arrived at any rank.
            OSError: If the file cannot be written.
        """
        if done == self.total:
            self._ended = self.parts.seen(), self.parts.own()  # validation follows
        elif done % self.accum_grad:
            return
        asked = self.stop.received or int(self._is_due(done))
        self._follow(largest_over_ranks(asked, self.device), done)

    def validated(self, batches: Any) -> Iterator[Any]:
        """Yield the mini-batches of validation, and stop between them if a signal has arrived.

        Args:
            batches: The mini-batches.

        Raises:
            StoppedBySignalError: If a signal has arrived at any rank.
        """
        for batch in batches:
            self._follow(largest_over_ranks(self.stop.received, self.device), self.total)
            yield batch

    def _follow(self, asked: int, done: int) -> None:
        """Do what the ranks have agreed on: 0 nothing, 1 save, else stop by that signal."""
        if not asked:
            return
        self.stop.hold()
        if done > self._saved_at:
            self._save(done)
        if asked > 1:
            wait_for_all()  # the first rank that ends would end the others
            raise StoppedBySignalError(asked, self._sentence(asked, done))

    def _is_due(self, done: int) -> bool:
        if done <= self._saved_at:
            return False
        made = (done - self._saved_at) // self.accum_grad
        seconds = self.clock() - self._saved_time
        return 0 < self.steps <= made or 0 < 60 * self.minutes <= seconds

    def _save(self, done: int) -> None:
        start = time.perf_counter()
        parts = self.parts
        seen, own = self._ended or (parts.seen(), parts.own())
        ranks = gather_on_first_rank({**own, "batches": self._digest})
        if self.first:
            states = {
                "epoch": parts.reporter.get_epoch(),
                "done": done,
                "batches": self.total,
                "accum_grad": self.accum_grad,
                **parts.trained(),
                **seen,
                "ranks": ranks,
            }
            write_midepoch(self.output_dir, states)
            logging.info(
                f"Saved in {time.perf_counter() - start:.2f} s: {place_of(states)}"
                f" ({self.output_dir / FILE})"
            )
        self._saved_at, self._saved_time = done, self.clock()

    def _own_part(self, states: Mapping[str, Any] | None) -> dict[str, Any]:
        if states is None:
            return {}
        rank = torch.distributed.get_rank() if is_distributed() else 0
        return dict(states["ranks"][rank])

    def _sentence(self, number: int, done: int) -> str:
        epoch = self.parts.reporter.get_epoch()
        place = {"epoch": epoch, "done": done, "batches": self.total, "accum_grad": self.accum_grad}
        where = f"from the checkpoint inside {place_of(place)}" if done else f"from epoch {epoch}"
        return (
            f"Training was stopped by {signal.Signals(number).name}: run the same command again,"
            f" and it goes on {where}."
        )


def place_of(states: Mapping[str, Any]) -> str:
    """Return the place of a checkpoint in words.

    Args:
        states: The checkpoint, or its keys `epoch`, `done`, `batches` and `accum_grad`.

    >>> place_of({"epoch": 3, "done": 240, "batches": 401, "accum_grad": 2})
    'epoch 3, step 120 of 200'
    """
    made, steps = (states[name] // states["accum_grad"] for name in ("done", "batches"))
    return f"epoch {states['epoch']}, step {made} of {steps}"
