"""Print the script that completes `espnet-soups` in bash, zsh or tcsh."""

import argparse
import importlib
from collections.abc import Sequence
from pathlib import Path

from espnet_soups.bin.command import ONE_COMMAND, program, run_command

SHELLS = ("bash", "zsh", "tcsh")
EPILOG = """for all new shells:
  bash: espnet-soups completion bash >> ~/.bash_completion
  zsh:  espnet-soups completion zsh > FOLDER/_espnet-soups, a folder of $fpath
"""


def get_parser() -> argparse.ArgumentParser:
    """Return the options."""
    parser = argparse.ArgumentParser(
        prog=program("completion"),
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("shell", choices=SHELLS)
    return parser


def whole_parser() -> argparse.ArgumentParser:
    """Return one parser of all commands with their options."""
    from espnet_soups.bin.main import COMMANDS

    whole = argparse.ArgumentParser(prog=ONE_COMMAND)
    whole.add_argument("--version", action="store_true")
    below = whole.add_subparsers(dest="command")
    for name, (module, meaning) in COMMANDS.items():
        own = importlib.import_module(f"espnet_soups.bin.{module}").get_parser()
        below.add_parser(name, parents=[own], add_help=False, help=meaning)
    return whole


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the script; see `get_parser`.

    Args:
        arguments: Words of the command line; None: those of this process.

    Raises:
        ValueError: If shtab, which writes it, is not installed.
    """
    options = get_parser().parse_args(arguments)
    try:
        import shtab
    except ImportError as error:
        raise ValueError(
            "Completion needs shtab, which is not installed: pip install"
            " 'espnet-soups[completion]'."
        ) from error
    parser = whole_parser()
    for action in _actions(parser):
        if action.type is Path:
            action.complete = shtab.FILE  # type: ignore[attr-defined]
    print(shtab.complete(parser, shell=options.shell))


def _actions(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    found: list[argparse.Action] = []
    for action in parser._actions:
        found.append(action)
        if isinstance(action, argparse._SubParsersAction):
            for below in dict.fromkeys(action.choices.values()):
                found += _actions(below)
    return found


if __name__ == "__main__":
    run_command(main)
