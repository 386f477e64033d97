"""The option by which a user lets a file name classes of theirs, shared by several commands."""

import argparse


def add_own_kinds(parser: argparse.ArgumentParser, source: str) -> None:
    """Add `--own_kinds` to a command.

    Args:
        parser: The parser of the command.
        source: What names the classes, such as "the model".
    """
    parser.add_argument(
        "--own_kinds",
        nargs="*",
        default=[],
        metavar="MODULE:CLASS",
        help=f"Kinds of your own that {source} names and that may be imported (none)",
    )
