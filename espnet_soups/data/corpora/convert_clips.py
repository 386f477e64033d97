"""Convert clips of any format to FLAC of one rate, in parallel; converted clips are skipped."""

import logging
import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from itertools import chain, islice
from pathlib import Path

from espnet_soups.data.audio import read_audio, write_flac
from espnet_soups.data.worker_pool import worker_pool

CHUNK = 64  # clips of one job
LOG_EVERY = 20_000

Pair = tuple[Path, Path]
Failure = tuple[Path, str]


def convert_clips(pairs: Iterable[Pair], fs: int, jobs: int) -> Iterator[Failure]:
    """Convert clips; only a few chunks are in progress at a time, so that memory stays flat.

    Args:
        pairs: (clip, FLAC file to write); a file that exists is left as it is.
        fs: Sampling rate of the FLAC files, Hz.
        jobs: Number of processes; 1: this one alone.

    Yields:
        (clip, reason) of each clip that is missing or broken.

    Raises:
        OSError: If a FLAC file cannot be written (a full disk).
    """
    start = time.monotonic()
    done = 0
    for number, failures in _convert_chunks(_chunks(pairs), fs, jobs):
        if done // LOG_EVERY != (done + number) // LOG_EVERY:
            rate = (done + number) / (time.monotonic() - start)
            logging.info(f"{done + number:,} clips converted, {rate:.0f} a second")
        done += number
        yield from failures


def _chunks(pairs: Iterable[Pair]) -> Iterator[list[Pair]]:
    wanted = (pair for pair in pairs if not pair[1].exists())
    while chunk := list(islice(wanted, CHUNK)):
        yield chunk


def _convert_chunks(
    chunks: Iterator[list[Pair]], fs: int, jobs: int
) -> Iterator[tuple[int, list[Failure]]]:
    first = list(islice(chunks, 2))
    with worker_pool(jobs, min(jobs, len(first))) as executor:
        running: deque[Future[tuple[int, list[Failure]]]] = deque()
        for chunk in chain(first, chunks):
            running.append(executor.submit(_convert, chunk, fs))
            if len(running) >= 4 * jobs:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()


def _convert(chunk: list[Pair], fs: int) -> tuple[int, list[Failure]]:
    failures = []
    for source, target in chunk:
        try:
            samples = read_audio(source, fs, resample=True)
        except FileNotFoundError:
            failures.append((source, "missing"))
            continue
        except ValueError as error:
            failures.append((source, f"corrupt: {str(error).rpartition(': ')[2]}"))
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        write_flac(target, samples, fs)
    return len(chunk), failures
