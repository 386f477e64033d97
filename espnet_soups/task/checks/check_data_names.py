"""Refuse data files whose name no objective learns from."""

import argparse
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from espnet_soups.data.ark import refuse_commands
from espnet_soups.files import read_table
from espnet_soups.objectives.objective import Objective
from espnet_soups.objectives.registry import KINDS

ARKS = "kaldi_ark"  # ESPnet's name of features in Kaldi's archives
OF_ALL = ("speech", "lang")  # names that every data set has


def check_data_names(args: argparse.Namespace, objectives: Sequence[Objective]) -> None:
    """Check the names of the data files of training and validation.

    Args:
        args: The options.
        objectives: The objectives of the run.

    Raises:
        ValueError: If a name is neither that of a label of an objective nor one that a kind knows,
            or a table of features holds commands.
    """
    known = [*OF_ALL, *dict.fromkeys(o.label for o in objectives if o.label)]
    patterns = [*known, *(pattern for kind in KINDS for pattern in kind.data_names)]
    for option in ("train_data_path_and_name_and_type", "valid_data_path_and_name_and_type"):
        for path, name, kind in getattr(args, option, None) or []:
            if not any(fnmatchcase(name, pattern) for pattern in patterns):
                raise ValueError(
                    f"`{option}` has {path} under the name {name!r}, which no objective learns"
                    f" from; the names of this run are {known}."
                )
            if kind == ARKS and Path(path).is_file():
                refuse_commands(Path(path), read_table(Path(path)))  # ESPnet would run them
