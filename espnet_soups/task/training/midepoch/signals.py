"""Handle signals that ask training to stop: it saves first."""

import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

STOPPING = (signal.SIGTERM, signal.SIGUSR1)  # Slurm sends SIGUSR1 if `--signal` asks for it
# Seconds: a rank that waits for a dead one never reaches the end of its step.
PATIENCE = 120.0


class StoppedBySignalError(SystemExit):
    """Exit of a training that a signal has stopped; the status is 128 + the signal.

    Args:
        number: The signal.
        sentence: What was saved, and how to resume.
    """

    def __init__(self, number: int, sentence: str) -> None:
        super().__init__(128 + number)
        self.sentence = sentence


class StopSignals:
    """Recorder of signals while training runs; training asks for them between steps.

    Attributes:
        received: The last signal; 0: none has arrived.

    Args:
        patience: Seconds after which the process ends even if training has not asked; None: never.
    """

    def __init__(self, patience: float | None = None) -> None:
        self.patience = patience
        self.received = 0
        self._timer: threading.Timer | None = None

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Record signals; do nothing outside the main thread, where Python allows no handlers."""
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
        """Cancel the end after `patience`: training has asked and ends by itself."""
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
    """Let a process that loads data ignore the first signal; the second one ends it.

    The first may go to all processes of a training, which still needs the mini-batches of its step.
    """
    asked: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        if asked:
            os._exit(0)
        asked.append(number)

    for number in STOPPING:
        signal.signal(number, note)
