"""Write and read the log of one job: its head says what ran and where, its foot how it ended."""

import errno
import os
import re
import shlex
import socket
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

_FOOT = re.compile(rb"^# ended with status (-?\d+) at .*, after \d+ s$", re.MULTILINE)
PROBE = 65536  # bytes; a disk with free space takes them


def write_head(log: BinaryIO, command: Sequence[str], num_threads: int) -> None:
    """Write the command line, the host, the start time, threads and GPUs.

    Args:
        log: The log, open for writing.
        command: Words of the command.
        num_threads: Threads of the job.
    """
    lines = (
        f"# {shlex.join(command)}",
        f"# started at {time.strftime('%F %T %z')} on {socket.gethostname()} in {os.getcwd()}",
        f"# threads {num_threads}, GPUs {os.environ.get('CUDA_VISIBLE_DEVICES', 'as they are')}",
    )
    log.write(("\n".join(lines) + "\n#\n").encode())
    log.flush()


def write_foot(log: BinaryIO, status: int, seconds: float) -> None:
    """Write how the job ended; `read_status` reads it back.

    Args:
        log: The log, open for writing.
        status: Exit status.
        seconds: How long the job took.
    """
    # the job's own last line may lack its line feed
    now = time.strftime("%F %T %z")
    log.write(f"\n# ended with status {status} at {now}, after {seconds:.0f} s\n".encode())
    log.flush()


def read_status(log: Path) -> int | None:
    """Return the exit status from the foot of a log; None: the job has not ended, or never began.

    Args:
        log: The log file.
    """
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 200))
            found = _FOOT.findall(file.read())
    except FileNotFoundError:
        return None
    return int(found[-1]) if found else None


def rotate(log: Path, kept: int = 9) -> None:
    """Make way for a new log: rename `train.log` to `train.1.log`, that to `train.2.log` etc.

    The names are those of ESPnet's launcher. An empty log stays.

    Args:
        log: The log file.
        kept: How many old logs to keep.
    """
    if not log.is_file() or log.stat().st_size == 0:
        return
    names = [log, *(log.with_suffix(f".{number}{log.suffix}") for number in range(1, kept + 1))]
    for older, newer in zip(reversed(names), reversed(names[:-1]), strict=False):
        if newer.exists():
            newer.replace(older)


def explanation(log: Path) -> list[str]:
    """Return the `error:` line with which a job ended, or else the last lines of its log.

    Args:
        log: The log file.
    """
    lines = tail(log)
    said = [line for line in lines[-5:] if line.startswith("error: ")]
    return said[-1:] or _full_disk(log) or lines


def _full_disk(log: Path) -> list[str]:
    """Return a sentence if the disk of a log is full: the log cannot hold the job's own message."""
    try:
        with tempfile.TemporaryFile(dir=log.parent) as file:
            file.write(bytes(PROBE))
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            reason = os.strerror(error.errno)
            return [
                f"error: {reason}: {log} could not be written to its end, nor what else the job"
                " writes; free some space, then run the same command again."
            ]
    return []


def tail(log: Path, lines: int = 20) -> list[str]:
    r"""Return the last lines of a log as text; bytes that are not UTF-8 are shown as `\x…`.

    Args:
        log: The log file.
        lines: How many lines.
    """
    try:
        with log.open("rb") as file:
            # enough for 20 lines of any sensible length, without reading a log of gigabytes
            file.seek(max(0, log.stat().st_size - 65536))
            text = file.read().decode("utf-8", errors="backslashreplace")
    except FileNotFoundError:
        return ["(there is no log: the job never began)"]
    return text.splitlines()[-lines:]
