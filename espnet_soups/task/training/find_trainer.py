"""Find trainers by name."""

import importlib

from espnet2.train.trainer import Trainer

from espnet_soups.task.training.joint_trainer import JointTrainer
from espnet_soups.task.training.msp_trainer import MSPTrainer

TRAINERS: dict[str, type[Trainer]] = {"default": JointTrainer, "msp": MSPTrainer}


def find_trainer(name: str) -> type[Trainer]:
    """Find a trainer class: `default`, `msp`, or `module:Class`.

    Args:
        name: `default`, `msp`, or `module:Class` of a trainer derived from ESPnet's.

    Raises:
        ValueError: If there is none of that name.
    """
    if name in TRAINERS:
        return TRAINERS[name]
    module, separator, class_name = name.partition(":")
    if separator:
        try:
            found = getattr(importlib.import_module(module), class_name, None)
        except ImportError as error:
            raise ValueError(f"`trainer: {name}` cannot be imported: {error}.") from error
        if isinstance(found, type) and issubclass(found, Trainer):
            return found
    raise ValueError(
        f"`trainer` must be one of {sorted(TRAINERS)} or `module:Class` of an ESPnet Trainer, but"
        f" got {name!r}."
    )
