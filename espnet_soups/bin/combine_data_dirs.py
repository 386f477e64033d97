"""Join data dirs of several corpora into one."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from espnet_soups.bin.command import run_command


def get_parser() -> argparse.ArgumentParser:
    """Return the options."""
    parser = argparse.ArgumentParser(
        prog="python -m espnet_soups.bin.combine_data_dirs", description=__doc__
    )
    parser.add_argument("--target", type=Path, required=True, help="The new data dir")
    parser.add_argument(
        "--datasets",
        default="",
        help="Corpus of each data dir, such as 'cv mls', for utt2dataset where they have none",
    )
    parser.add_argument("sources", type=Path, nargs="+", help="Data dirs with different ids")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Join the data dirs; see `get_parser`.

    Args:
        arguments: Words of the command line; None: those of this process.
    """
    options = get_parser().parse_args(arguments)
    from espnet_soups.data.combine import combine_data_dirs, left_out

    number = combine_data_dirs(options.sources, options.target, options.datasets.split())
    print(f"{options.target}: {number:,} utterances of {len(options.sources)} data dirs")
    if others := left_out(options.sources, options.target):
        print(f"warning: files that are not joined: {', '.join(others)}", file=sys.stderr)


if __name__ == "__main__":
    run_command(main)
