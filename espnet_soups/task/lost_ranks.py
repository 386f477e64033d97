"""End a rank when another one has ended or hangs, and name the lost one."""

import argparse
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any, NoReturn, TypeVar

import torch
from torch.distributed import DistError, Store
from torch.multiprocessing import ProcessExitedException

from espnet_soups.task.launcher import TORCHRUN

BEAT_SECONDS = 1.0  # between two signs of life
PATIENCE = 10.0  # seconds without a sign after which a rank is lost; torchrun kills all after 30
LONGEST = 300  # characters of a rank's own reason for its end
KEEPER = 0  # the rank that keeps the store, unless torchrun's agent does
T = TypeVar("T")
GO_ON = "Then run the same command again: training goes on from the last whole checkpoint."


class Terminated(BaseException):
    """Arrival of SIGTERM, which torchrun sends to all ranks when one of them has ended."""


class RollCall:
    """Signs of life of all ranks, in the store through which they have met.

    A thread sends them, so that a rank that waits for another one sends them, too.

    Args:
        store: The store that the ranks share.
        rank: This rank.
        size: Number of ranks.
        beat: Seconds between two signs of life.
        patience: Seconds without one after which a rank is lost.
    """

    def __init__(
        self,
        store: Store,
        rank: int,
        size: int,
        beat: float = BEAT_SECONDS,
        patience: float = PATIENCE,
    ) -> None:
        self.store, self.rank, self.size = store, rank, size
        self._beat, self._patience, self._stop = beat, patience, threading.Event()
        self._thread = threading.Thread(target=self._live, daemon=True)
        self._thread.start()

    def _live(self) -> None:
        with suppress(DistError):  # the rank that keeps the store has ended: `lost` says so
            while not self._stop.is_set():
                self.store.add(f"beat/{self.rank}", 1)
                self._stop.wait(self._beat)

    def stop(self) -> None:
        """Send no more signs."""
        self._stop.set()
        self._thread.join(self._beat)

    def answer(self, last_words: str = "") -> None:
        """Tell the other ranks that this one no longer waits for them.

        Args:
            last_words: Its reason, if the fault is its own.
        """
        self._ask(lambda: self.store.set(f"answer/{self.rank}", last_words[:LONGEST]), None)

    def lost(self) -> dict[int, str]:
        """Wait until it is clear which ranks are lost.

        Returns:
            Lost rank to its last words. They are empty if it is silent, or if it sends signs of
            life but still waits after all others have given up. Empty: no rank is lost.
        """
        return self._ask(self._call, {KEEPER: ""})

    def _ask(self, ask: Callable[[], T], otherwise: T) -> T:
        """Return the answer of the store, or `otherwise` after a while.

        The store stops answering if the rank that keeps it hangs, and calls to it have no time
        limit.
        """
        found: list[T] = []

        def store_answers() -> None:
            with suppress(DistError):
                found.append(ask())

        asking = threading.Thread(target=store_answers, daemon=True)
        asking.start()
        asking.join(2 * self._patience)
        return found[0] if found else otherwise

    def _call(self) -> dict[int, str]:
        others = [rank for rank in range(self.size) if rank != self.rank]
        first, answers, silent = dict.fromkeys(others, 0), dict[int, str](), set[int]()
        try:
            first = {rank: self.store.add(f"beat/{rank}", 0) for rank in others}
            end = time.monotonic() + self._patience
            while time.monotonic() < end and len(answers) < len(others):
                time.sleep(self._beat / 4)
                for rank in others:
                    if rank not in answers and self.store.check([f"answer/{rank}"]):
                        answers[rank] = self.store.get(f"answer/{rank}").decode()
                if any(answers.values()):
                    break
            silent = {rank for rank in others if self.store.add(f"beat/{rank}", 0) == first[rank]}
        except DistError:
            if KEEPER not in answers:
                return {KEEPER: ""}
        if any(answers.values()):
            return {rank: said for rank, said in answers.items() if said}
        unanswered = [rank for rank in others if rank not in answers]
        return dict.fromkeys([rank for rank in unanswered if rank in silent] or unanswered, "")


def check_timeout(args: argparse.Namespace) -> None:
    """Check `--dist_timeout`.

    Args:
        args: The options.

    Raises:
        ValueError: If it is not positive.
    """
    if args.dist_timeout <= 0:
        raise ValueError(
            f"`dist_timeout` must be a positive number of seconds, but got {args.dist_timeout:g}."
        )


@contextmanager
def watch_ranks(args: argparse.Namespace, place: Callable[[], str]) -> Iterator[None]:
    """Train as one of several ranks; if another one is lost, end within `--dist_timeout`.

    Args:
        args: ESPnet's options with `dist_timeout`. Nothing is done if one process trains alone.
        place: Function that returns where training is, such as `epoch 2, mini-batch 3 of 12`.

    Raises:
        ConnectionError: If the ranks do not meet in time, or have lost each other; it names those
            that are lost.
    """
    if not args.distributed:
        yield
        return
    calls: list[RollCall] = []
    with (
        _in_one_sentence(args.multiprocessing_distributed),
        _terminable(TORCHRUN in os.environ),
        _limited(args.dist_timeout, calls),
    ):
        try:
            yield
        except (Terminated, RuntimeError) as error:
            if not calls or not (isinstance(error, Terminated) or _is_broken_group(error)):
                _leave(calls, error)
            if TORCHRUN in os.environ:
                signal.signal(signal.SIGTERM, signal.SIG_IGN)  # let the message be written
            calls[0].answer()
            by_signal = isinstance(error, Terminated)
            told = _describe(calls[0], place(), args.dist_timeout, by_signal)
            raise ConnectionError(told) from error
        except BaseException as error:
            _leave(calls, error)
        finally:
            for call in calls:
                call.stop()


def describe_ended(error: ProcessExitedException) -> str:
    """Return a sentence on how a rank ended that ESPnet's own launcher had started.

    Args:
        error: The launcher's error.
    """
    how = f"status {error.exit_code}, see its own message above"
    if error.signal_name:  # type: ignore[attr-defined]
        how = f"{error.signal_name}, so look whether memory ran out"  # type: ignore[attr-defined]
    return f"Process {error.error_index} of this machine's ranks has ended with {how}. {GO_ON}"


@contextmanager
def _in_one_sentence(is_spawned: bool) -> Iterator[None]:
    """End a rank started by ESPnet with one sentence, as `run_command` ends a whole process."""
    try:
        yield
    except (ValueError, OSError) as error:
        if is_spawned:
            sys.exit(f"error: {error}")
        raise


@contextmanager
def _limited(seconds: float, calls: list[RollCall]) -> Iterator[None]:
    """Limit the time that ranks wait for each other; ESPnet has no option for it."""
    begin = torch.distributed.init_process_group

    def begin_in_time(*given: Any, **options: Any) -> None:
        try:
            begin(*given, **options | {"timeout": timedelta(seconds=seconds)})
        except RuntimeError as error:
            if not (isinstance(error, DistError) or "timeout" in str(error)):
                raise
            raise ConnectionError(
                f"The ranks have not met within {seconds:g} s (`--dist_timeout`): look for one"
                " that ended or was never started, and at the address and the port of the first."
                f" PyTorch says: {_first_line(error)}"
            ) from error
        store = torch.distributed.distributed_c10d._get_default_store()  # type: ignore[attr-defined]
        rank, size = torch.distributed.get_rank(), torch.distributed.get_world_size()
        calls.append(RollCall(store.clone(), rank, size))

    torch.distributed.init_process_group = begin_in_time
    try:
        yield
    finally:
        torch.distributed.init_process_group = begin


@contextmanager
def _terminable(is_torchrun: bool) -> Iterator[None]:
    """Turn SIGTERM into an exception, only if the launcher will kill ranks that hang."""
    if not is_torchrun:
        yield
        return

    def end(*_: object) -> NoReturn:
        raise Terminated

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _leave(calls: Sequence[RollCall], error: BaseException) -> NoReturn:
    """End for a reason of this rank's own, and tell the other ranks."""
    for call in calls:
        call.answer(_first_line(error) or type(error).__name__)
    raise error


def _is_broken_group(error: BaseException) -> bool:
    return isinstance(error, DistError) or "gloo/transport" in str(error)


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).strip().splitlines()), "")


def _describe(call: RollCall, place: str, timeout: float, by_signal: bool) -> str:
    lost = call.lost()
    here = f"rank {call.rank} of {call.size} was at {place}"
    names = f"Rank {' and rank '.join(map(str, sorted(lost)))}"
    said = next(filter(None, lost.values()), "")
    if said:
        return f"{names} has ended while {here}: {said} Correct that first. {GO_ON}"
    if lost:
        return (
            f"{names} was lost, killed or hung, while {here} (`--dist_timeout` is {timeout:g} s)."
            f" Look at the end of its log, and whether its machine ran out of memory. {GO_ON}"
        )
    if by_signal:
        return f"Training was ended by SIGTERM while {here}. {GO_ON}"
    return (
        f"The ranks have lost each other while {here}, though all of them are there. Either the"
        " network broke, or a rank was longer away than `--dist_timeout`, which is"
        f" {timeout:g} s. {GO_ON}"
    )
