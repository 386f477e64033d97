"""Add the option that lets a file name a user's own classes, for several commands."""

import argparse


def add_own_kinds(parser: argparse.ArgumentParser, source: str) -> None:
    """Add `--own_kinds` to a command.

    Args:
        parser: The parser of the command.
        source: What names the classes, such as "the model", for the help.
    """
    parser.add_argument(
        "--own_kinds",
        nargs="*",
        default=[],
        metavar="MODULE:CLASS",
        help=f"Kinds of your own that {source} names and that may be imported (none)",
    )
