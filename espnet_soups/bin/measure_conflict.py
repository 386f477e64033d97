"""Measure in which layers objectives conflict, on batches of the training data (stage 8)."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

DESCRIPTION = """Measures how the gradients of all objectives relate, module by module, without the
noise of the batches, and writes conflict.csv, conflict.json and conflict.txt into --output_dir;
docs/conflict.md explains them. It takes the options of msp_train, and these:"""


def get_parser() -> argparse.ArgumentParser:
    """Return a parser of our own options, only for the help: ESPnet's parser imports torch."""
    from espnet_soups.bin.own_kinds import add_own_kinds
    from espnet_soups.conflict.options import add_conflict_options

    parser = argparse.ArgumentParser(
        prog="python -m espnet_soups.bin.measure_conflict",
        usage="%(prog)s --output_dir FOLDER (--exp_dir FOLDER | options of msp_train) [options]",
        description=DESCRIPTION,
        allow_abbrev=False,
    )
    add_conflict_options(parser)
    add_own_kinds(parser, "the training of --exp_dir")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure the conflicts; see `get_parser`.

    Args:
        arguments: Words of the command line; None: those of this process.

    Raises:
        ValueError: If an option is not valid.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or "--help" in words or "-h" in words:
        get_parser().print_help()
        return
    from espnet_soups.bin.msp_train import run_task
    from espnet_soups.task.conflict.conflict_task import ConflictTask, read_arguments

    parser = get_parser()
    parser.add_argument("--output_dir", required=True)
    own, others = parser.parse_known_args(words)
    if own.exp_dir is None:
        run_task(ConflictTask, words)
    elif others:
        raise ValueError(
            f"With --exp_dir all options of the training are those of its config.yaml, but got"
            f" {' '.join(others)} besides."
        )
    else:
        run_task(ConflictTask, read_arguments(Path(own.exp_dir), own))


if __name__ == "__main__":
    from espnet_soups.bin.command import run_command

    run_command(main)
