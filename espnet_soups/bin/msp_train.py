"""Train a model on many objectives (stages 6 and 9)."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from espnet_soups.bin.command import program, run_command

if TYPE_CHECKING:
    from espnet_soups.task.msp_task import MSPTask

DESCRIPTION = """Trains one speech model on many objectives with ESPnet. Every option may stand in
the YAML file of --config. Settings of a soup (`trainer: msp`, `trainer_conf`): docs/method.md; of
self-supervision: docs/ssl.md; of objectives of other kinds: docs/own_objective.md."""
EPILOG = """The data: --train_data_path_and_name_and_type FILE,NAME,TYPE with the names speech, lang
and those of labels, such as text. All other options are ESPnet's: --help-espnet lists them (this
takes some seconds)."""


def get_parser() -> argparse.ArgumentParser:
    """Return a parser of our own options, only for the help: ESPnet's parser imports torch."""
    from espnet_soups.task.own_options import add_own_options

    parser = argparse.ArgumentParser(
        prog=program("msp_train", "train"),
        usage="%(prog)s [--help] [--help-espnet] --config FILE ...",
        description=DESCRIPTION,
        epilog=EPILOG,
    )
    add_own_options(parser)
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Train; see `get_parser`.

    Args:
        arguments: Words of the command line; None: those of this process.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or "--help" in words or "-h" in words:
        get_parser().print_help()
        return
    from espnet_soups.task.msp_task import MSPTask

    run_task(MSPTask, ["--help" if word == "--help-espnet" else word for word in words])


def run_task(task: "type[MSPTask]", given: list[str] | argparse.Namespace) -> None:
    """Run a task of ESPnet, and turn its errors into one sentence.

    Args:
        task: The task.
        given: Words of a command line, or options that have been read.

    Raises:
        ValueError: If an option or the data are not valid.
        ConnectionError: If one of several ranks has ended, or they have lost each other.
        StoppedBySignalError: If a signal has stopped training.
    """
    import typeguard
    import yaml
    from torch.multiprocessing import ProcessExitedException

    from espnet_soups.files import read_yaml
    from espnet_soups.objectives.run_words import uses_of
    from espnet_soups.task.lost_ranks import describe_ended
    from espnet_soups.task.training.midepoch.signals import StoppedBySignalError

    words = given if isinstance(given, list) else []
    for [path, *_] in filter(None, uses_of("--config", words)):
        read_yaml(Path(path), "the training configuration")  # ESPnet keeps the last of two keys
    try:
        if isinstance(given, argparse.Namespace):
            task.main(args=given)
        else:
            task.main(cmd=given)
    except StoppedBySignalError as stop:
        print(f"error: {stop.sentence}", file=sys.stderr)
        raise
    except yaml.YAMLError as error:
        problem = " ".join(str(error).split())
        raise ValueError(f"The YAML of an option is not valid: {problem}.") from error
    except typeguard.TypeCheckError as error:
        raise ValueError(f"An option of the YAML has a wrong type: {error}.") from error
    except ProcessExitedException as error:
        raise ConnectionError(describe_ended(error)) from error
    except ValueError as error:
        if not str(error).startswith("Caught "):
            raise
        # Error of a worker that loads data: its text is a traceback with the message at the end.
        raise ValueError(str(error).strip().rsplit("ValueError: ", 1)[-1]) from error


if __name__ == "__main__":
    run_command(main)
