"""The law of every reader: accept, or refuse in a sentence that names the file; lose nothing."""

import signal
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from fuzz_mutations import mutate

SECONDS = 5  # for one input


@dataclass(frozen=True)
class Parser:
    """A reader, and files that it accepts.

    Attributes:
        read: Reads the files of a folder, and does with them what the program does at once.
        seeds: Name of a file to what it holds; each is damaged in turn.
        lost: Returns what was accepted but lost, from (content of the damaged file, its name,
            result); None: nothing.
        fixed: Files that are not damaged, by name.
    """

    read: Callable[[Path], Any]
    seeds: Mapping[str, bytes]
    lost: Callable[[bytes, str, Any], str | None] = lambda content, name, result: None
    fixed: Mapping[str, bytes] = field(default_factory=dict)


@dataclass
class Found:
    """What came of the inputs of a parser.

    Attributes:
        inputs: How many there were.
        accepted: How many of them were accepted.
        broken: What broke the law: where and how, to (how often, what was said, the first input).
    """

    inputs: int = 0
    accepted: int = 0
    broken: dict[str, tuple[int, str, bytes]] = field(default_factory=dict)

    def add(self, what: str, said: str, content: bytes) -> None:
        """Count a break of the law."""
        number, said, first = self.broken.get(what, (0, said, content))
        self.broken[what] = (number + 1, said, first)


class TooLongError(Exception):
    """An input that a reader does not come to an end with."""


@contextmanager
def limited() -> Iterator[None]:
    """End what takes too long."""

    def end(*_: object) -> None:
        raise TooLongError(f"no end after {SECONDS} s")

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def fuzz(parser: Parser, folder: Path, inputs: int, seed: int) -> Found:
    """Give a parser damaged files, as many as asked for, the same ones for the same seed."""
    random, found, names = Random(seed), Found(), sorted(parser.seeds)
    for name, content in {**parser.fixed, **parser.seeds}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    parser.read(folder)  # the seeds are valid
    for number in range(inputs):
        name = names[number % len(names)]
        content = mutate(parser.seeds[name], random)
        (folder / name).write_bytes(content)
        found.inputs += 1
        judge(parser, folder, name, content, found)
        if number % len(names) != (number + 1) % len(names) or len(names) == 1:
            (folder / name).write_bytes(parser.seeds[name])
    return found


def judge(parser: Parser, folder: Path, name: str, content: bytes, found: Found) -> None:
    """Look how a parser takes an input, and count it."""
    try:
        with limited():
            result = parser.read(folder)
    except (ValueError, OSError) as error:
        said = str(error)
        if str(folder) not in said and Path(name).name not in said:
            found.add(f"{type(error).__name__} without a file, {_place(error)}", said, content)
    except Exception as error:
        found.add(f"{type(error).__name__}, {_place(error)}", str(error), content)
    else:
        found.accepted += 1
        lost = parser.lost(content, name, result)
        if lost is not None:
            found.add(lost, "", content)


def _place(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    own = [
        frame for frame in frames if "espnet_soups" in frame.filename or "tools" in frame.filename
    ]
    frame = (own or frames)[-1]
    return f"{Path(frame.filename).name}:{frame.lineno}"
