"""Handle a failed run of a table: how it is reported, and which runs depend on it."""

import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from espnet_soups.tables.runs import Run

# Exit status of a process that Ctrl-C ended, as Python and as a shell report it.
INTERRUPTED = (-signal.SIGINT, 128 + signal.SIGINT)


@dataclass(frozen=True)
class Failure:
    """Reason why a run has no result.

    Attributes:
        reason: Part of a sentence.
        started: Whether it was run at all.

    >>> Failure("ended with status 1").cell, Failure("it needs another", started=False).cell
    ('failed', 'not run')
    """

    reason: str
    started: bool = True

    @property
    def cell(self) -> str:
        """Text that the table shows in place of numbers."""
        return "failed" if self.started else "not run"


def execute(run: Run, recipe: Path) -> Failure | None:
    """Execute a run to its end.

    Args:
        run: The run.
        recipe: Folder of the recipe.

    Returns:
        The failure; None: the run succeeded.

    Raises:
        KeyboardInterrupt: If Ctrl-C ended it.
        OSError: If its command cannot be started.
    """
    status = subprocess.run(run.command, cwd=recipe, check=False).returncode
    if status in INTERRUPTED:
        raise KeyboardInterrupt
    return Failure(f"ended with status {status}") if status else None


def find_blocker(run: Run, failed: Sequence[Run], expdir: Path) -> Failure | None:
    """Return why a run must wait: a failed run did not make the pre-trained encoder that it needs.

    Args:
        run: The next run.
        failed: Runs that have failed before.
        expdir: Folder of the experiments.

    Returns:
        The failure; None: nothing blocks the run.
    """
    if not run.pretraining or run.is_pretrained(expdir):
        return None
    for other in failed:
        if (other.pretraining, other.seed) == (run.pretraining, run.seed):
            return Failure(f"it needs the pre-trained encoder that {other.tag} failed at", False)
    return None
