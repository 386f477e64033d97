"""Signals that ask training to stop: it saves first."""

import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

STOPPING = (signal.SIGTERM, signal.SIGUSR1)  # Slurm sends SIGUSR1 where `--signal` asks for it
# A rank that waits for another one, which has died, never reaches the end of its step.
PATIENCE = 120.0


class StoppedBySignalError(SystemExit):
    """Training has stopped since a signal asked for it; the status is 128 + the signal.

    Args:
        number: The signal.
        sentence: What was saved, and how to go on.
    """

    def __init__(self, number: int, sentence: str) -> None:
        super().__init__(128 + number)
        self.sentence = sentence


class StopSignals:
    """Take note of signals while training runs; what to do about them is asked for between steps.

    Args:
        patience: Seconds after which the process ends even if nobody has asked; None: never.

    Attributes:
        received: The last signal; 0: none has come.
    """

    def __init__(self, patience: float | None = None) -> None:
        self.patience = patience
        self.received = 0
        self._timer: threading.Timer | None = None

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Note the signals that come; outside the main thread Python allows no handlers."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self._note) for number in STOPPING}
        try:
            yield
        finally:
            self.hold()
            for number, handler in before.items():
                signal.signal(number, handler)

    def hold(self) -> None:
        """Let the process end by itself: it has been asked, and does."""
        if self._timer is not None:
            self._timer.cancel()

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if not self.received:
            logging.warning(
                f"{signal.Signals(number).name} has come: training stops after its step"
            )
            if self.patience is not None:
                self._timer = threading.Timer(self.patience, os._exit, [128 + number])
                self._timer.daemon = True
                self._timer.start()
        self.received = number


def be_patient() -> None:
    """Let a process that loads data pass over the first signal: it may have come to all processes
    of a training, which still needs the mini-batches of its step. The second one ends it."""
    asked: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        if asked:
            os._exit(0)
        asked.append(number)

    for number in STOPPING:
        signal.signal(number, note)
