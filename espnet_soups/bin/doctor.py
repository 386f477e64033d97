"""Check what is installed and what this machine can do, and name what is missing."""

import argparse
from collections.abc import Sequence

from espnet_soups.bin.command import program, run_command


def get_parser() -> argparse.ArgumentParser:
    """Return the options."""
    return argparse.ArgumentParser(
        prog=program("doctor"),
        description=__doc__ + " Ends with status 1 if a package that every user needs is missing.",
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the findings; see `get_parser`.

    Args:
        arguments: Words of the command line; None: those of this process.

    Raises:
        ValueError: If something is missing that every user needs.
    """
    get_parser().parse_args(arguments)
    from espnet_soups.installation.machine import describe_machine
    from espnet_soups.installation.packages import OK, find_packages

    found = find_packages()
    width = max(len(item.name) for item in found)
    for item in found:
        print(f"{item.verdict:<8}{item.name:<{width}}  {item.words}")
    print()
    for line in describe_machine():
        print(line)
    wrong = [item.name for item in found if item.needed and item.verdict != OK]
    if wrong:
        raise ValueError(
            f"{', '.join(wrong)}: missing or of another version than espnet-soups needs; install"
            " it again: pip install --upgrade espnet-soups."
        )


if __name__ == "__main__":
    run_command(main)
