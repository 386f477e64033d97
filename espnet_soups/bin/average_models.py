"""Average the best epochs of a run (stage 10)."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from espnet_soups.bin.command import run_command


def get_parser() -> argparse.ArgumentParser:
    """Return the options."""
    parser = argparse.ArgumentParser(
        prog="python -m espnet_soups.bin.average_models", description=__doc__
    )
    parser.add_argument("--exp_dir", type=Path, required=True, help="Folder that training wrote")
    parser.add_argument(
        "--nbest", type=int, default=0, help="Epochs; 0: keep_nbest_models of training (0)"
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Average the best epochs, and print which; see `get_parser`.

    Args:
        arguments: Words of the command line; None: those of this process.

    Raises:
        ValueError: If `--nbest` is negative, no criterion has a value, or a file is damaged.
        OSError: If the run has no checkpoint, or the disk is full.
    """
    options = get_parser().parse_args(arguments)
    if options.nbest < 0:
        raise ValueError(f"`--nbest` must not be negative, but got {options.nbest}.")
    from espnet_soups.task.training.averaging import average_best_epochs
    from espnet_soups.task.training.checkpoint import is_disk_full

    try:
        averages = average_best_epochs(options.exp_dir, options.nbest)
    except RuntimeError as error:
        if not is_disk_full(error):
            raise
        raise OSError(
            f"The average could not be written into {options.exp_dir}, is the disk full? Free some"
            " space, then run the same command again."
        ) from error
    for average in averages:
        epochs = ", ".join(f"{epoch} ({value:.4g})" for epoch, value in average.epochs)
        print(f"{average.path}: mean of the best epochs by {average.criterion}: {epochs}")


if __name__ == "__main__":
    run_command(main)
