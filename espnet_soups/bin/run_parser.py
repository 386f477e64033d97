"""Parse the options of a command together with those of run.sh."""

import argparse
import sys
from collections.abc import Sequence
from typing import Any

EPILOG = "All further options are those of run.sh."


class RunParser(argparse.ArgumentParser):
    """Parser of the options of a command; any other option belongs to run.sh.

    Args:
        command: Name of the module.
        description: What the command does, for the help.
        epilog: The end of the help.
    """

    def __init__(self, command: str, description: str | None, epilog: str = EPILOG) -> None:
        self.own = {"-h", "--help"}
        prog = f"python -m espnet_soups.bin.{command}"
        super().__init__(prog=prog, description=description, epilog=epilog, allow_abbrev=False)

    def add_argument(self, *names: Any, **settings: Any) -> argparse.Action:
        """Add an option of the command; see argparse.

        Args:
            *names: Names of the option.
            **settings: Its settings.
        """
        self.own |= set(names)
        return super().add_argument(*names, **settings)

    def parse(self, arguments: Sequence[str] | None) -> tuple[argparse.Namespace, dict[str, str]]:
        """Parse a command line.

        Args:
            arguments: Its words; None: those of this process.

        Returns:
            (options of the command, options of run.sh by name).

        Raises:
            ValueError: If an option of run.sh has no value.

        >>> parser = RunParser("check_data_dir", "Checks a data dir.")
        >>> _ = parser.add_argument("path")
        >>> parser.parse(["data/train", "--asr_langs=en fr", "--st_pairs", "fr_en"])
        (Namespace(path='data/train'), {'asr_langs': 'en fr', 'st_pairs': 'fr_en'})
        """
        own: list[str] = []
        run: dict[str, str] = {}
        words = iter(sys.argv[1:] if arguments is None else arguments)
        for word in words:
            name, equals, value = word.partition("=")
            if word == "--":  # the words after it belong to the command
                own += [word, *words]
            elif not name.startswith("--") or name in self.own:
                own.append(word)
            else:
                given = value if equals else next(words, None)
                if given is None:
                    raise ValueError(f"The option {name} needs a value after it.")
                run[name.removeprefix("--")] = given
        return self.parse_args(own), run
