"""Execute the runs of a study, several side by side, within a budget."""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from espnet_soups.study.finished import Finished
from espnet_soups.study.runs import StudyRun, line_of

POLL_SECONDS = 0.5
GRACE_SECONDS = 10.0


@dataclass
class Execution:
    """Execution of the runs of a study.

    Attributes:
        recipe: Folder of the recipe.
        finished: The finished runs.
        parallel: Number of trainings side by side.
        budget_seconds: No run is started that would probably end later; 0: no limit.
        say: Function that prints a line.
        clock: Function that returns the time in seconds.
        failures: Tag of a run to the reason why it has no result.
    """

    recipe: Path
    finished: Finished
    parallel: int = 1
    budget_seconds: float = 0.0
    say: Callable[[str], None] = lambda line: print(line, flush=True)
    clock: Callable[[], float] = time.monotonic
    failures: dict[str, str] = field(default_factory=dict)

    def run_all(self, runs: Sequence[StudyRun]) -> list[StudyRun]:
        """Run all runs that are not finished.

        Args:
            runs: The runs; those that provide numbers come before those that use them.

        Returns:
            Runs that were not started, since the budget was used up.

        Raises:
            KeyboardInterrupt: If Ctrl-C ended it; trainings that were running resume when the study
                is run again.
        """
        waiting = [run for run in runs if self.finished.find(run) is None]
        if len(waiting) < len(runs):
            self.say(f"{len(runs) - len(waiting)} of {len(runs)} runs are finished")
        running: dict[subprocess.Popen[bytes], tuple[StudyRun, float]] = {}
        begun, took = self.clock(), list[float]()
        try:
            while running or waiting:
                while len(running) < self.parallel and not self._is_late(begun, took):
                    run = self._next(waiting, [run for run, _ in running.values()])
                    if run is None:
                        break
                    running[self._start(run)] = run, self.clock()
                if not running:
                    break
                time.sleep(POLL_SECONDS)
                for process in [process for process in running if process.poll() is not None]:
                    run, start = running.pop(process)
                    seconds = self.clock() - start
                    if process.returncode == 0:  # how long others take is not seen of failures
                        took.append(seconds)
                    self._close(run, process.returncode, seconds)
        finally:
            _end(list(running))
        return waiting

    def _is_late(self, begun: float, took: Sequence[float]) -> bool:
        if not self.budget_seconds:
            return False
        expected = statistics.median(took) if took else 0.0
        return self.clock() - begun + expected > self.budget_seconds

    def _next(self, waiting: list[StudyRun], running: Sequence[StudyRun]) -> StudyRun | None:
        """Take the first run whose donor is finished; drop runs whose donor has failed."""
        for run in list(waiting):
            donor = run.donor()
            if donor is None or self.finished.find(donor) is not None:
                waiting.remove(run)
                return run
            if donor not in waiting and donor not in running:
                waiting.remove(run)
                self.failures[run.tag] = f"it takes numbers of {donor.tag}, which has no result"
        return None

    def _start(self, run: StudyRun) -> "subprocess.Popen[bytes]":
        donor = run.donor()
        record = None if donor is None else self.finished.find(donor)
        command = run.command(record, ["--stage", "7", *self.finished.more])
        self.finished.begin(run)
        log = self._log_of(run)
        log.parent.mkdir(parents=True, exist_ok=True)
        self.say(f"# {run.arm.title}, seed {run.seed}: {line_of(command)}")
        with log.open("wb") as output:
            return subprocess.Popen(
                command,
                cwd=self.recipe,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def _close(self, run: StudyRun, status: int, seconds: float) -> None:
        minutes = f"{seconds / 60:.1f} min"
        if status == 0 and self.finished.find(run) is not None:
            self.say(f"{run.tag}: done in {minutes}")
            return
        reason = (
            f"ended with status {status}"
            if status
            else f"left no scores in {self.finished.decoded}"
        )
        self.failures[run.tag] = reason
        print(
            f"error: {run.tag}: {reason} after {minutes}; the others go on. Its output:"
            f" {self._log_of(run)}",
            file=sys.stderr,
            flush=True,
        )

    def _log_of(self, run: StudyRun) -> Path:
        return self.finished.expdir / "studies" / run.study.name / f"{run.tag}.log"


def _end(processes: Sequence["subprocess.Popen[bytes]"]) -> None:
    """End running processes: ask first, and kill those that do not stop."""
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
