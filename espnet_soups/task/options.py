"""Define the options of `msp_train`: ESPnet's, our own, and the classes that make up a model."""

import argparse
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from espnet2.tasks.asr import normalize_choices, preencoder_choices, specaug_choices
from espnet2.utils import config_argparse

from espnet_soups.backbone.choices import encoder_choices, frontend_choices
from espnet_soups.files import read_yaml
from espnet_soups.task.own_options import add_own_options

CLASS_CHOICES = (
    frontend_choices,
    specaug_choices,
    normalize_choices,
    preencoder_choices,
    encoder_choices,
)


class OptionParser(config_argparse.ArgumentParser):
    """ESPnet's parser with errors of one sentence, without 300 lines of usage."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse; the YAML of `--config` is read by our own reader, not by ESPnet's slower one.

        Args:
            args: The words; None: those of the command line.
            namespace: The object to fill; None: a new one.

        Returns:
            (the options, words that were not recognised).

        Raises:
            OSError: If there is no such file.
            ValueError: If an option is not valid, or the YAML is malformed or has unknown keys.
        """
        parse = partial(argparse.ArgumentParser.parse_known_args, self, args, namespace)
        config = parse()[0].config
        if config is not None:
            options = read_yaml(Path(config), "the training configuration")
            known = {action.dest for action in self._actions}
            for key in options:
                if key not in known:
                    self.error(f"unrecognized arguments: {key} (from {config})")
            self.set_defaults(**options)
        return parse()

    def error(self, message: str) -> NoReturn:
        """Refuse the options.

        Args:
            message: What is wrong.

        Raises:
            ValueError: Always.
        """
        raise ValueError(f"{message}. `--help` and `--help-espnet` list what is valid.")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the task to ESPnet's parser.

    Args:
        parser: ESPnet's parser.
    """
    add_own_options(parser)
    for choices in CLASS_CHOICES:
        choices.add_arguments(parser)
