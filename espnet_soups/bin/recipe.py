"""Copy a recipe into a folder of your own, where ./run.sh runs it."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from espnet_soups.bin.command import program, run_command


def get_parser() -> argparse.ArgumentParser:
    """Return the options."""
    parser = argparse.ArgumentParser(
        prog=program("recipe"),
        description="Copies a recipe into a new folder, which uses the Python environment of this"
        " command. Then: cd FOLDER && ./run.sh. `espnet-soups list recipes` lists them.",
    )
    parser.add_argument("name", help="Name of the recipe, such as asterisk")
    parser.add_argument("folder", type=Path, help="A new or an empty folder")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Copy the recipe; see `get_parser`.

    Args:
        arguments: Words of the command line; None: those of this process.
    """
    options = get_parser().parse_args(arguments)
    from espnet_soups.recipes.copy import copy_recipe

    copy_recipe(options.name, options.folder)
    print(f"{options.folder}: next, cd {options.folder} && ./run.sh (--help lists its options)")


if __name__ == "__main__":
    run_command(main)
