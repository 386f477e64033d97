"""Run pytest on mutants, each in a fork of the process that has loaded the tests."""

import os
import pickle
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType
from typing import NoReturn

import pytest

from tools.mutants.mutant import Mutant, functions_of

KILLED, SURVIVED, TIMED_OUT, NOT_PLANTED = "killed", "survived", "timed out", "not planted"
STATUS = {0: SURVIVED, 1: KILLED, 2: NOT_PLANTED}
STATUS |= {-signal.SIGALRM: TIMED_OUT, -signal.SIGPROF: TIMED_OUT}
PATIENCE = 10  # times the limit: a fork that waits forever uses no processor time
BROKEN = 3  # exit status of a fork if this file itself fails
TOOL = 4  # a number of `sys.monitoring` that debuggers and profilers do not use


@dataclass(frozen=True)
class _Known:
    """Functions that a test runs, by file and name, and its seconds."""

    functions: frozenset[tuple[str, str]]
    seconds: float


@dataclass(frozen=True)
class Limits:
    """Limits of the time for a mutant.

    Attributes:
        budget: Seconds of tests that it must survive, the shortest tests first.
        grace: Seconds of processor time that it may take beyond three times what these tests take
            without a fault; of wall-clock time, ten times as many.
    """

    budget: float
    grace: int


class MutantSession:
    """Plugin of pytest that collects as usual, then runs for each mutant the tests that reach it.

    Args:
        mutants: The mutants.
        limits: Limits of the time for each.
        tell: Function that is called with every mutant and its fate.
    """

    def __init__(
        self, mutants: Sequence[Mutant], limits: Limits, tell: Callable[[Mutant, str], None]
    ) -> None:
        self._mutants, self._limits, self._tell = mutants, limits, tell
        self._functions: list[FunctionType] = []
        self._files = {str(mutant.path) for mutant in mutants}

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Replace pytest's own loop.

        Args:
            session: The session of pytest.

        Returns:
            True: no other loop follows.
        """
        known = self._measure(session)
        self._functions = functions_of(self._files)
        for mutant in self._mutants:
            self._tell(mutant, self._fate(session, mutant, known))
        return True

    def _measure(self, session: pytest.Session) -> list[_Known]:
        """Run all tests without a fault, and return which functions each of them runs."""
        receive, send = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(receive)
            with os.fdopen(send, "wb") as pipe:
                pickle.dump(self._run_measured(session), pipe)
                pipe.flush()
            os._exit(int(session.testsfailed > 0))
        os.close(send)
        with os.fdopen(receive, "rb") as pipe:
            told = pipe.read()
        if os.waitpid(child, 0)[1] != 0 or not told:
            raise pytest.UsageError("Some test fails without a fault: fix it first.")
        return list(pickle.loads(told))

    def _run_measured(self, session: pytest.Session) -> list[_Known]:
        reached: set[tuple[str, str]] = set()
        monitoring = sys.monitoring

        def enter(code: object, _offset: int) -> object:
            if code.co_filename in self._files:  # type: ignore[attr-defined]
                reached.add((code.co_filename, code.co_qualname))  # type: ignore[attr-defined]
            return monitoring.DISABLE  # once in each test is enough

        monitoring.use_tool_id(TOOL, "mutants")
        monitoring.register_callback(TOOL, monitoring.events.PY_START, enter)
        monitoring.set_events(TOOL, monitoring.events.PY_START)
        known = []
        for item in session.items:
            reached.clear()
            monitoring.restart_events()
            start = time.monotonic()
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
            known.append(_Known(frozenset(reached), time.monotonic() - start))
        return known

    def _fate(self, session: pytest.Session, mutant: Mutant, known: Sequence[_Known]) -> str:
        """Return the fate of a mutant."""
        reached = (str(mutant.path), mutant.function)
        tests = [number for number, own in enumerate(known) if reached in own.functions]
        tests.sort(key=lambda number: known[number].seconds)
        chosen: list[pytest.Item] = []
        seconds = 0.0
        for number in tests:
            if not chosen or seconds + known[number].seconds <= self._limits.budget:
                chosen.append(session.items[number])
                seconds += known[number].seconds
        if not chosen:
            return SURVIVED
        child = os.fork()
        if child == 0:
            _try(session, mutant, self._functions, chosen, int(3 * seconds) + self._limits.grace)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if status == BROKEN:
            raise RuntimeError(f"A fork failed by itself: {mutant}.")
        return STATUS.get(status, KILLED)  # a fault may also end the process


def _try(
    session: pytest.Session,
    mutant: Mutant,
    functions: Sequence[FunctionType],
    tests: Sequence[pytest.Item],
    limit: int,
) -> NoReturn:
    """Plant a mutant in this process and run tests until one fails; the exit status is the fate."""
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)
    for number in (signal.SIGALRM, signal.SIGPROF):
        signal.signal(number, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_PROF, limit)  # a busy machine must not pass for a loop
    signal.alarm(PATIENCE * limit)
    try:
        status = 0 if mutant.plant(functions) else 2
        for item in tests if status == 0 else ():
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
            if session.testsfailed:
                status = 1
                break
    except BaseException:  # must not count as a failed test
        traceback.print_exc()
        status = BROKEN
    os._exit(status)


def try_mutants(
    mutants: Sequence[Mutant],
    tests: Sequence[Path],
    limits: Limits,
    folder: str,
    tell: Callable[[Mutant, str], None],
) -> bool:
    """Try mutants on tests.

    Args:
        mutants: The mutants.
        tests: Files and folders of tests.
        limits: Limits of the time for each mutant.
        folder: Folder for the files of the tests; it is emptied.
        tell: Function that is called with every mutant and its fate.

    Returns:
        Whether the tests could be run at all.
    """
    arguments = [*map(str, tests), "-q", "-s", "-p", "no:cacheprovider", "--basetemp", folder]
    arguments += ["--rootdir", str(Path.cwd())]
    session = MutantSession(mutants, limits, tell)
    return pytest.main(arguments, plugins=[session]) == pytest.ExitCode.OK
