"""The options of `msp_train`: ESPnet's, our own, and the classes that a model is built of."""

import argparse
from typing import NoReturn

from espnet2.tasks.asr import normalize_choices, preencoder_choices, specaug_choices
from espnet2.utils import config_argparse

from espnet_soups.backbone.choices import encoder_choices, frontend_choices
from espnet_soups.task.own_options import add_own_options

CLASS_CHOICES = (
    frontend_choices,
    specaug_choices,
    normalize_choices,
    preencoder_choices,
    encoder_choices,
)


class OptionParser(config_argparse.ArgumentParser):
    """ESPnet's parser; what it refuses becomes one sentence without 300 lines of usage."""

    def error(self, message: str) -> NoReturn:
        """Refuses the options.

        Raises:
            ValueError: Always.
        """
        raise ValueError(f"{message}. `--help` and `--help-espnet` list what is valid.")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the task to ESPnet's parser."""
    add_own_options(parser)
    for choices in CLASS_CHOICES:
        choices.add_arguments(parser)
