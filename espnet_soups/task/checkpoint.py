"""Keeps the last whole checkpoint while the next one is written."""

import logging
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

CURRENT, PREVIOUS = "checkpoint.pth", "checkpoint.previous.pth"


def set_aside(output_dir: Path) -> None:
    """Renames the checkpoint, since ESPnet is about to write the next one over it."""
    if (output_dir / CURRENT).exists():
        os.replace(output_dir / CURRENT, output_dir / PREVIOUS)


def recover(output_dir: Path) -> None:
    """Puts the previous checkpoint back where the current one is missing or cut short."""
    current, previous = output_dir / CURRENT, output_dir / PREVIOUS
    if zipfile.is_zipfile(current) or not zipfile.is_zipfile(previous):
        return
    logging.warning(f"{current} is missing or cut short: going on from {previous}.")
    os.replace(previous, current)


OTHER_OUTPUT = "Use another `--output_dir`, or the configuration that it was trained with."


def check_tensors(
    found: Mapping[str, Tensor],
    expected: Mapping[str, Tensor],
    source: str,
    advice: str = OTHER_OUTPUT,
) -> None:
    """Compares the tensors of a checkpoint with those of the model.

    Args:
        found: Tensors of the checkpoint by name.
        expected: Tensors of the model by name.
        source: What to call the checkpoint.
        advice: What to do if they differ.

    Raises:
        ValueError: If a name is missing or surplus, or a shape differs; it names the first one.
    """
    for name in sorted(set(found) ^ set(expected)):
        side = "lacks" if name not in found else "holds the unknown"
        raise ValueError(f"{source} is of another configuration: it {side} tensor {name}. {advice}")
    for name, tensor in expected.items():
        if found[name].shape != tensor.shape:
            raise ValueError(
                f"{source} is of another configuration: tensor {name} is"
                f" {tuple(found[name].shape)} there and {tuple(tensor.shape)} here. {advice}"
            )
