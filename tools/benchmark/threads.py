"""Measure threads and their way of waiting, alone and beside other work.

A process for each way of waiting (GOMP_SPINCOUNT) makes joint training
steps with 1 thread, with all cores, and with as many as the load of the machine suggests; all take
turns. Beside them run 0 or more busy processes. The last line of the output is one JSON object.
"""

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence

from espnet_soups.bin.command import run_command
from espnet_soups.free_cores import choose_threads, count_cores, measure_free_cores

STEPS = 3  # of a turn


def get_parser() -> argparse.ArgumentParser:
    """Return the options."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.benchmark.threads",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--config", default="asterisk", help="Name of a shipped config, or a YAML file (asterisk)"
    )
    parser.add_argument("--rounds", type=int, default=5, help="Turns of each (5)")
    parser.add_argument(
        "--spins", type=int, nargs="+", default=[0, 1000, 10000],
        help="Spins of a thread before it sleeps (0 1000 10000)",
    )  # fmt: skip
    parser.add_argument(
        "--beside", type=int, nargs="+", default=[0, 1, 2, 4],
        help="Busy processes beside the steps (0 1 2 4)",
    )  # fmt: skip
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure; see `get_parser`.

    Args:
        arguments: Words of the command line; None: those of this process.
    """
    options = get_parser().parse_args(arguments)
    if options.serve:
        serve(options.config)
        return
    with contextlib.ExitStack() as stack:
        workers = {s: stack.enter_context(worker(options.config, s)) for s in options.spins}
        found = []
        for busy in options.beside:
            with busy_processes(busy):
                found += [{"beside": busy} | row for row in measure(workers, options.rounds)]
    print("beside  spins  threads  seconds  of the best")
    for row in found:
        best = min(other["seconds"] for other in found if other["beside"] == row["beside"])
        print(
            f"{row['beside']:>6}  {row['spins']:>5}  {row['threads']:>7}  {row['seconds']:7.3f}"
            f"  {row['seconds'] / best:11.2f}"
        )
    print(json.dumps(found))


def measure(workers: dict[int, "subprocess.Popen[str]"], rounds: int) -> list[dict[str, object]]:
    """Return the median seconds of a step for each number of spins and each choice of threads.

    Args:
        workers: Number of spins to the process that makes the steps.
        rounds: Turns of each combination.
    """
    cores = count_cores()
    seconds: dict[tuple[int, str], list[float]] = {}
    for _ in range(rounds):
        for spins, process in workers.items():
            for choice in ("1", str(cores), "by load"):
                threads = choice
                if choice == "by load":
                    threads = str(choose_threads(measure_free_cores(), cores))
                seconds.setdefault((spins, choice), []).append(ask(process, threads))
    return [
        {"spins": spins, "threads": choice, "seconds": round(statistics.median(values), 4)}
        for (spins, choice), values in seconds.items()
    ]


def ask(process: "subprocess.Popen[str]", threads: str) -> float:
    """Let a worker make its steps, and return the seconds of one.

    Args:
        process: The worker.
        threads: Number of threads, as a word.

    Raises:
        OSError: If the worker has ended.
    """
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{threads}\n")
    process.stdin.flush()
    answer = process.stdout.readline()
    if not answer:
        raise OSError("A process of the benchmark has ended: see its message above.")
    return float(answer)


@contextlib.contextmanager
def worker(config: str, spins: int) -> Iterator["subprocess.Popen[str]"]:
    """Start a process that makes steps on demand, and end it afterwards.

    Args:
        config: Name or path of the configuration.
        spins: Spins of a thread before it sleeps.

    Yields:
        The process.
    """
    words = [sys.executable, "-m", "tools.benchmark.threads", "--serve", "--config", config]
    environment = os.environ | {"GOMP_SPINCOUNT": str(spins), "OMP_NUM_THREADS": str(count_cores())}
    process = subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    )
    try:
        ask(process, "1")  # its start, and a first step, do not count
        yield process
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def busy_processes(number: int) -> Iterator[None]:
    """Keep processes busy, and end them afterwards.

    Args:
        number: Number of processes.
    """
    processes = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(number)
    ]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def serve(config: str) -> None:
    """Make joint steps with the number of threads that each line of standard input asks for.

    Args:
        config: Name or path of the configuration.
    """
    import torch

    from tools.benchmark.catalogue import build_mode
    from tools.benchmark.names import BASELINE
    from tools.benchmark.spec import read_spec

    step = build_mode(BASELINE, read_spec(config)).step
    for line in sys.stdin:
        torch.set_num_threads(int(line))
        step()
        start = time.perf_counter()
        for _ in range(STEPS):
            step()
        print((time.perf_counter() - start) / STEPS, flush=True)


if __name__ == "__main__":
    run_command(main)
