"""Run `espnet-soups`, one name for the commands that people call by hand.

Each row of `COMMANDS` leads to a module of this folder, which is imported only when it is called,
so that `espnet-soups --help` answers at once.
"""

import difflib
import importlib
import sys
from collections.abc import Sequence

from espnet_soups import __version__
from espnet_soups.bin.command import ONE_COMMAND, run_command

# Name -> (module of espnet_soups.bin, what it does).
COMMANDS = {
    "recipe": ("recipe", "copy a recipe into a folder of your own"),
    "train": ("msp_train", "train a model by itself; ./run.sh of a recipe runs all stages"),
    "transcribe": ("transcribe", "write down what recordings say"),
    "translate": ("translate", "translate what recordings say"),
    "demo": ("demo", "serve a local web page on which a model is tried"),
    "score": ("score", "score a decoded set"),
    "compare": ("compare", "test whether two experiments differ"),
    "plan": ("plan_soup", "propose a soup from measured conflicts"),
    "list": ("list_all", "list recipes, combiners, kinds of objectives or experiments"),
    "pack": ("pack", "pack a trained model with a card into one file"),
    "upload": ("upload", "put such a file on the Hugging Face hub"),
    "export": ("export", "write one objective as a model of plain ESPnet"),
    "doctor": ("doctor", "look at what is installed and what this machine can do"),
    "completion": ("completion", "print what completes this command in a shell"),
}


def usage() -> str:
    """Return the text of `--help`."""
    width = max(map(len, COMMANDS)) + 2
    rows = [f"  {name:<{width}}{meaning}" for name, (_, meaning) in COMMANDS.items()]
    lines = [f"usage: {ONE_COMMAND} [--help] [--version] COMMAND ...", "", "commands:", *rows]
    return "\n".join(
        [*lines, "", f"`{ONE_COMMAND} COMMAND --help` lists the options of a command."]
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command.

    Args:
        arguments: Name of the command and its options; None: those of this process.

    Raises:
        ValueError: If there is no such command.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or words[0] in ("-h", "--help"):
        print(usage())
        return
    if words[0] == "--version":
        print(f"{ONE_COMMAND} {__version__}")
        return
    name = words[0]
    if name not in COMMANDS:
        near = difflib.get_close_matches(name, COMMANDS, 1)
        hint = f"do you mean {near[0]}?" if near else f"choose one of {', '.join(COMMANDS)}."
        raise ValueError(f"There is no command {name!r}: {hint}")
    module = importlib.import_module(f"espnet_soups.bin.{COMMANDS[name][0]}")
    sys.argv = [f"{ONE_COMMAND} {name}", *words[1:]]  # for the help of the command
    module.main(words[1:])


def run() -> None:
    """Run the command of this process; `setup.py` installs this function as `espnet-soups`."""
    run_command(main)


if __name__ == "__main__":
    run()
