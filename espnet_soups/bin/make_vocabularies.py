"""Makes the vocabularies of a run, such as token lists, from its training set (stage 5)."""

import sys
from collections.abc import Sequence
from pathlib import Path

from espnet_soups.bin.command import run_command
from espnet_soups.bin.run_parser import RunParser


def get_parser() -> RunParser:
    """Return the options."""
    parser = RunParser("make_vocabularies", __doc__)
    parser.add_argument("--train", type=Path, required=True, help="Folder of the training set")
    parser.add_argument(
        "--check", type=Path, nargs="*", default=[], help="Sets whose labels they must cover, too"
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Make them; see `get_parser`."""
    options, given = get_parser().parse(arguments)
    from espnet_soups.objectives.run import read_run

    for vocabulary in read_run(given).vocabularies():
        line, warnings = vocabulary.make(options.train, options.check)
        for warning in warnings:
            print(f"warning: {warning}", file=sys.stderr)
        print(line, flush=True)


if __name__ == "__main__":
    run_command(main)
