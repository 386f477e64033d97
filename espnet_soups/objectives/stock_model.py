"""A stock ESPnet model of one objective: what every kind that can be exported takes over."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

BACKBONE = ("frontend", "specaug", "normalize", "preencoder", "encoder")
OPTIONS = (*BACKBONE, *(f"{part}_conf" for part in BACKBONE), "input_size", "ctc_conf")


@dataclass(frozen=True)
class StockModel:
    """A model that ESPnet's own commands take.

    Attributes:
        task: ESPnet's task, such as `ASRTask`.
        config: Its options.
        tensors: Those of the model, by ESPnet's names.
        files: Options that name a file which the export needs a copy of, beside `normalize_conf`.
    """

    task: Any
    config: dict[str, Any]
    tensors: dict[str, Tensor]
    files: tuple[str, ...] = ()


def backbone_tensors(model: Any) -> dict[str, Tensor]:
    """Return the tensors of all that objectives share, which ESPnet's models name alike."""
    return {
        name: tensor
        for name, tensor in model.state_dict().items()
        if name.split(".")[0] in BACKBONE
    }


def backbone_config(task: Any, args: argparse.Namespace) -> dict[str, Any]:
    """Return the defaults of an ESPnet task, with the backbone of the options.

    Args:
        task: ESPnet's task.
        args: The options of training.
    """
    config: dict[str, Any] = vars(task.get_parser().parse_args([]))
    options: Mapping[str, Any] = vars(args)
    known = [name for name in OPTIONS if name in options and name in config]
    return config | {name: options[name] for name in known} | {"init": None}
