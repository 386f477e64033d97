"""Compare the training steps of several commits, each in a clone of its own.

A process in each clone makes the same steps with that clone's code and one thread; all take turns,
eight updates a turn, seconds of the processor. `of the first` is the median over rounds. The last
line of the output is one JSON object.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from espnet_soups.bin.command import run_command
from tools.benchmark.names import BASELINE, MODES, STEPS_PER_ROUND
from tools.benchmark.threads import ask

WARM_UP = 2  # rounds that do not count


def get_parser() -> argparse.ArgumentParser:
    """Return the options."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.benchmark.commits",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("clones", nargs="*", type=Path, help="Clones of the repository, 2 or more")
    parser.add_argument(
        "--config", default="asterisk", help="Name of a config of each clone, or a YAML file"
    )
    parser.add_argument("--mode", default=BASELINE, choices=MODES, help=f"Mode ({BASELINE})")
    parser.add_argument("--objectives", type=int, metavar="K", help="Objectives, at equal audio")
    parser.add_argument("--rounds", type=int, default=5, help="Turns of each clone (5)")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure; see `get_parser`.

    Args:
        arguments: Words of the command line; None: those of this process.

    Raises:
        ValueError: If an option is not valid.
    """
    options = get_parser().parse_args(arguments)
    if len(options.clones) < 2 or options.rounds < 1:
        raise ValueError(
            "Name 2 clones or more, and 1 round or more, but got"
            f" {len(options.clones)} and {options.rounds}."
        )
    for clone in options.clones:
        if not (clone / "tools" / "benchmark" / "catalogue.py").is_file():
            raise ValueError(f"{clone} is no clone of espnet-soups that has tools/benchmark.")
    config = Path(options.config)
    settings = {
        "config": str(config.resolve()) if config.is_file() else options.config,
        "mode": options.mode,
        "objectives": options.objectives,
        "steps": STEPS_PER_ROUND,
    }
    with ExitStack() as stack:
        workers = [stack.enter_context(worker(clone, settings)) for clone in options.clones]
        seconds = take_turns(workers, options.rounds)
    records = []
    print("seconds  of the first  commit")
    for clone, own in zip(options.clones, seconds, strict=True):
        ratio = statistics.median(b / a for a, b in zip(seconds[0], own, strict=True))
        record = {"commit": commit_of(clone), "seconds": statistics.median(own), "ratio": ratio}
        print(f"{record['seconds']:7.3f}  {ratio:12.2f}  {record['commit']} {clone}")
        records.append(record)
    print(json.dumps(settings | {"clones": records}))


def take_turns(workers: Sequence["subprocess.Popen[str]"], rounds: int) -> list[list[float]]:
    """Return the seconds of a step of each worker in each round.

    Args:
        workers: The processes of `worker`.
        rounds: Rounds that count.
    """
    found: list[list[float]] = [[] for _ in workers]
    for _ in range(WARM_UP + rounds):
        for own, process in zip(found, workers, strict=True):
            own.append(ask(process, "1"))
    return [own[WARM_UP:] for own in found]


@contextmanager
def worker(clone: Path, settings: Mapping[str, object]) -> Iterator["subprocess.Popen[str]"]:
    """Start a process that makes steps with the code of a clone, and end it afterwards.

    Args:
        clone: Root of the clone.
        settings: Arguments of `step_server.serve`.

    Yields:
        The process.
    """
    server = Path(__file__).resolve().with_name("step_server.py")
    # -P: this folder has a module `profile`, which would hide Python's
    words = [sys.executable, "-P", str(server), json.dumps(settings)]
    environment = os.environ | {"PYTHONPATH": str(clone.resolve()), "OMP_NUM_THREADS": "1"}
    pipe = subprocess.PIPE
    with subprocess.Popen(
        words, stdin=pipe, stdout=pipe, text=True, cwd=clone, env=environment
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def commit_of(clone: Path) -> str:
    """Return the abbreviated commit of a clone, with a + where files were changed.

    Args:
        clone: Root of the clone.
    """
    words = ["git", "-C", str(clone), "describe", "--always", "--dirty=+", "--exclude=*"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


if __name__ == "__main__":
    run_command(main)
