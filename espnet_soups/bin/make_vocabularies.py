"""Makes the vocabularies of a run, such as token lists, from its training set (stage 5)."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from espnet_soups.bin.command import run_command


def get_parser() -> argparse.ArgumentParser:
    """Return the options."""
    parser = argparse.ArgumentParser(
        prog="python -m espnet_soups.bin.make_vocabularies",
        description=__doc__,
        epilog="All further options are those of run.sh, as `--name=value`.",
        allow_abbrev=False,
    )
    parser.add_argument("--train", type=Path, required=True, help="Folder of the training set")
    parser.add_argument(
        "--check", type=Path, nargs="*", default=[], help="Sets whose labels they must cover, too"
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Make them; see `get_parser`."""
    options, words = get_parser().parse_known_args(arguments)
    from espnet_soups.objectives.run import read_options, read_run

    for vocabulary in read_run(read_options(words)).vocabularies():
        line, warnings = vocabulary.make(options.train, options.check)
        for warning in warnings:
            print(f"warning: {warning}", file=sys.stderr)
        print(line, flush=True)


if __name__ == "__main__":
    run_command(main)
