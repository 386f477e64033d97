"""Find the largest mini-batches that fit into memory."""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from math import floor
from pathlib import Path
from typing import Any

from espnet_soups.bin.command import run_command

DESCRIPTION = """Trains three steps (forward, measuring, backward, optimiser) on the largest
mini-batches of a training, each time in a process of its own with another size, and finds the
largest size that fits. It takes the options of msp_train, or --exp_dir, and these:"""


def get_parser() -> argparse.ArgumentParser:
    """Return a parser of our own options, only for the help: ESPnet's parser imports torch."""
    from espnet_soups.bin.own_kinds import add_own_kinds

    parser = argparse.ArgumentParser(
        prog="python -m espnet_soups.bin.find_batch_size",
        usage="%(prog)s [options] (--exp_dir FOLDER | --config FILE and options of msp_train)",
        description=DESCRIPTION,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add(
        "--memory_limit",
        type=float,
        help="GiB that training may take: of the GPU (default: 0.9 of what is free), or of the"
        " main memory (CPUs; no default)",
    )
    add("--yaml", type=Path, help="Training configuration into which the size is written")
    add("--exp_dir", help="A training, begun or done, whose options are taken")
    add("--trial", type=Path, help=argparse.SUPPRESS)
    add_own_kinds(parser, "the training of --exp_dir")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Find the size; see `get_parser`.

    Args:
        arguments: Words of the command line; None: those of this process.

    Raises:
        ValueError: If an option is not valid, or no size fits.
        FileNotFoundError: If the file of `--yaml` does not exist.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or "--help" in words or "-h" in words:
        get_parser().print_help()
        return
    own, others = get_parser().parse_known_args(words)
    if own.trial is not None:
        run_trial(own.trial, own.memory_limit)
        return
    if own.memory_limit is not None and own.memory_limit <= 0:
        raise ValueError(f"--memory_limit must be above 0 GiB, but got {own.memory_limit:g}.")
    if own.yaml is not None and not own.yaml.is_file():
        raise FileNotFoundError(f"--yaml {own.yaml} does not exist.")
    args = read_options(own, others)
    if args.ngpu > 1:
        raise ValueError(
            f"A size is found on one GPU, but got --ngpu {args.ngpu}: find it with --ngpu 1, and"
            f" multiply it by {args.ngpu}, since it is of all GPUs together."
        )
    if args.ngpu == 0 and own.memory_limit is None:
        raise ValueError("On CPUs --memory_limit is needed: the GiB that training may take.")
    find(args, own)


def read_options(own: argparse.Namespace, others: list[str]) -> argparse.Namespace:
    """Return the options of the training, unchecked.

    Args:
        own: Options of this command.
        others: Words of the command line that are options of msp_train.

    Raises:
        ValueError: If there are none, or `--exp_dir` and others are given together.
    """
    from espnet_soups.task.conflict.conflict_task import read_arguments
    from espnet_soups.task.msp_task import MSPTask

    if own.exp_dir is None:
        return MSPTask.get_parser().parse_args(others)
    if others:
        raise ValueError(
            f"With --exp_dir all options of the training are those of its config.yaml, but got"
            f" {' '.join(others)} besides."
        )
    kinds = argparse.Namespace(own_kinds=own.own_kinds)
    return read_arguments(Path(own.exp_dir), kinds)


def find(args: argparse.Namespace, own: argparse.Namespace) -> None:
    """Find the size, print it, and write it into the file of `--yaml`.

    Args:
        args: Options of the training.
        own: Options of this command.

    Raises:
        ValueError: If no size fits.
    """
    from espnet_soups.files import read_yaml
    from espnet_soups.task.balance.batch_type import BY_BINS
    from espnet_soups.task.balance.check_balance import bins_per_second, check_balance
    from espnet_soups.task.balance.largest_batch import Trial, find_largest_size, write_size
    from espnet_soups.task.balance.trials import prepare, try_size

    given = {} if own.yaml is None else read_yaml(own.yaml, "the training configuration")
    in_seconds = (args.batch_seconds or given.get("batch_seconds")) is not None
    check_balance(args)
    key = "batch_bins" if args.batch_type in BY_BINS else "batch_size"
    settings = prepare(vars(args))
    with tempfile.TemporaryDirectory(prefix="find_batch_size.") as folder:
        settings["output_dir"] = f"{folder}/exp"

        def attempt(size: int) -> Trial:
            trial = try_size({**settings, key: size}, Path(folder), key, own.memory_limit)
            number = "?" if trial.utterances is None else trial.utterances
            took = f"{trial.gib:.2f} GiB, fits" if trial.fits else "does not fit"
            print(f"{key} {size}: {number} utterances, {took}", flush=True)
            return trial

        found: float = find_largest_size(getattr(args, key), attempt)
    if in_seconds and key == "batch_bins":
        key, found = "batch_seconds", floor(10 * found / bins_per_second(args)) / 10
    print(f"{key}: {found}")
    if own.yaml is not None:
        limit = "0.9 of the GPU" if own.memory_limit is None else f"{own.memory_limit:g} GiB"
        write_size(own.yaml, key, found, f"the most that fits into {limit} (find_batch_size)")
        print(f"wrote {own.yaml}")


def run_trial(path: Path, limit: float | None) -> None:
    """Train with one size, in a fresh process, and exit with a status that says whether it fits.

    Args:
        path: JSON file with the options and the file for the outcome.
        limit: GiB that training may take; None: see `limit_gpu`.
    """
    import torch

    from espnet_soups.bin.msp_train import run_task
    from espnet_soups.files import read_json, write_json
    from espnet_soups.task.balance.trial_task import (
        Largest,
        TrialEnds,
        TrialTask,
        limit_gpu,
        measured_gib,
    )
    from espnet_soups.task.balance.trials import OUT_OF_MEMORY

    given = read_json(path, "find_batch_size")
    args, outcome = argparse.Namespace(**given["settings"]), Path(given["outcome"])
    record: dict[str, Any] = {}

    def started(largest: Largest) -> None:
        most = max(len(batch) for batch in largest.batches)
        record.update(utterances=most, smallest=largest.smallest, whole=largest.whole)
        write_json(outcome, record)

    TrialTask.started = staticmethod(started)  # type: ignore[assignment]
    if args.ngpu > 0:
        limit_gpu(limit)
    try:
        run_task(TrialTask, args)
    except torch.OutOfMemoryError:
        sys.exit(OUT_OF_MEMORY)
    except TrialEnds:
        gib = measured_gib(args.ngpu > 0)
        write_json(outcome, {**record, "gib": round(gib, 2)})
        sys.exit(OUT_OF_MEMORY if limit is not None and gib > limit else 0)


if __name__ == "__main__":
    run_command(main)
