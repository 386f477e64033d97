"""Translate recordings."""

import argparse
from collections.abc import Sequence

from espnet_soups.bin.command import program, run_command
from espnet_soups.bin.recordings import add_options, transcribe_all


def get_parser() -> argparse.ArgumentParser:
    """Return the options."""
    parser = argparse.ArgumentParser(
        prog=program("translate"),
        description="Translates what recordings say: a line for each piece of a recording, JSON"
        " with times and scores, or subtitles.",
    )
    add_options(parser)
    parser.add_argument(
        "--from",
        dest="source",
        default="",
        metavar="LANGUAGE",
        help="Spoken language (default: the model identifies it)",
    )
    parser.add_argument(
        "--to",
        default="",
        metavar="LANGUAGE",
        help="Language to translate into (default: the only one that the model has)",
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Translate; see `get_parser`.

    Args:
        arguments: Words of the command line; None: those of this process.
    """
    options = get_parser().parse_args(arguments)
    transcribe_all(options, options.source, options.to)


if __name__ == "__main__":
    run_command(main)
