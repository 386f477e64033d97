"""Show the progress of an array of jobs in one line, and explain its failed jobs."""

import time
from collections.abc import Mapping
from typing import TextIO

from espnet_soups.jobs.job_array import JobArray
from espnet_soups.jobs.job_log import explanation

SHOWN_FAILURES = 3  # 32 jobs that die of one cause need not say it 32 times


class Progress:
    """Line that renews itself on a terminal, and few lines in a file.

    Args:
        total: Number of jobs.
        stream: Where to write.
    """

    def __init__(self, total: int, stream: TextIO) -> None:
        self._total = total
        self._stream = stream
        self._started = time.monotonic()
        self._last: tuple[int, int] | None = None

    def show(self, done: int, failed: int, running: int) -> None:
        """Show the counts, unless nothing has ended since the last call.

        Args:
            done: Jobs that ended with status 0.
            failed: Jobs that ended with another status.
            running: Jobs that are running.
        """
        if self._total == 1 or self._last == (done, failed):
            return
        self._last = (done, failed)
        seconds = time.monotonic() - self._started
        counts = f"{done} of {self._total} done, {running} running, {failed} failed"
        line = f"jobs: {counts}, {seconds:.0f} s"
        if self._stream.isatty():
            self._stream.write(f"\r\033[K{line}" + ("\n" if done + failed == self._total else ""))
        elif done or failed:
            # a file is read later: a line per tenth is enough
            step = max(1, self._total // 10)
            if failed or done % step == 0 or done == self._total:
                self._stream.write(line + "\n")
        self._stream.flush()


def failure_text(array: JobArray, statuses: Mapping[int, int | None]) -> str:
    """Describe which jobs failed, with the end of their own logs.

    Args:
        array: The jobs.
        statuses: Exit status of each job that ended or was lost (None); a job that is missing here
            was never started.

    Returns:
        Text of several lines; empty: every job ended with status 0.
    """
    failed = [number for number in array.numbers() if statuses.get(number, 0) != 0]
    not_started = array.jobs - len(statuses)
    if not failed and not not_started:
        return ""
    parts = []
    for number in failed[:SHOWN_FAILURES]:
        status = statuses[number]
        how = f"failed with status {status}" if status is not None else "was killed or lost"
        log = array.log_of(number)
        parts.append(f"job {number} of {array.jobs} {how}; the end of its log {log}:")
        parts += [f"    {line}" for line in explanation(log)]
    if len(failed) > SHOWN_FAILURES:
        others = ", ".join(str(number) for number in failed[SHOWN_FAILURES:])
        parts.append(f"failed too: jobs {others}")
    done = len(statuses) - len(failed)
    parts.append(
        f"error: {len(failed)} of {array.jobs} jobs failed, {done} are done, "
        f"{not_started} were not started: {array.command[0]} … ({array.log})"
    )
    return "\n".join(parts)
