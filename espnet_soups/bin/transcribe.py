"""Transcribe recordings."""

import argparse
from collections.abc import Sequence

from espnet_soups.bin.command import program, run_command
from espnet_soups.bin.recordings import add_options, transcribe_all


def get_parser() -> argparse.ArgumentParser:
    """Return the options."""
    parser = argparse.ArgumentParser(
        prog=program("transcribe"),
        description="Writes down what recordings say: a line for each piece of a recording, JSON"
        " with times and scores, or subtitles.",
    )
    add_options(parser)
    parser.add_argument(
        "--lang", default="", help="Spoken language (default: the model identifies it)"
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Transcribe; see `get_parser`.

    Args:
        arguments: Words of the command line; None: those of this process.
    """
    options = get_parser().parse_args(arguments)
    transcribe_all(options, options.lang, None)


if __name__ == "__main__":
    run_command(main)
