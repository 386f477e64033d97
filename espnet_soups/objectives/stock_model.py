"""A stock ESPnet model of one objective: the parts that all exports share."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

BACKBONE = ("frontend", "specaug", "normalize", "preencoder", "encoder")
OPTIONS = (*BACKBONE, *(f"{part}_conf" for part in BACKBONE), "input_size", "ctc_conf")


@dataclass(frozen=True)
class StockModel:
    """Model for ESPnet's own commands.

    Attributes:
        task: ESPnet's task, such as `ASRTask`.
        config: Options of the task.
        tensors: Tensors of the model, by ESPnet's names.
        files: Options that name files to copy, beside `normalize_conf`.
    """

    task: Any
    config: dict[str, Any]
    tensors: dict[str, Tensor]
    files: tuple[str, ...] = ()


def backbone_tensors(model: Any) -> dict[str, Tensor]:
    """Return the tensors that objectives share, whose names are those of ESPnet's models.

    Args:
        model: The trained model.
    """
    return {
        name: tensor
        for name, tensor in model.state_dict().items()
        if name.split(".")[0] in BACKBONE
    }


def backbone_config(task: Any, args: argparse.Namespace) -> dict[str, Any]:
    """Return the defaults of an ESPnet task, with the backbone of a training.

    Args:
        task: ESPnet's task.
        args: The options of the training.
    """
    config: dict[str, Any] = vars(task.get_parser().parse_args([]))
    options: Mapping[str, Any] = vars(args)
    known = [name for name in OPTIONS if name in options and name in config]
    return config | {name: options[name] for name in known} | {"init": None}
