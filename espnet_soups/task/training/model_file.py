"""Check and read files of models: whether they are whole, and whether they fit a model."""

import errno
import pickle
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from espnet2.torch_utils.safe_torch_load import safe_torch_load
from torch import Tensor

from espnet_soups.backbone.adapters import has_adapters

OTHER_OUTPUT = (
    "Use another folder (`--msp_tag` of run.sh, `--output_dir` of msp_train), or the configuration"
    " that it was trained with."
)

FOLDER = 0x10  # a bit of MS-DOS's attributes
# Errors of zipfile if bits of its headers are wrong: not an archive, a flag of encryption, …
DAMAGE = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, RuntimeError, ValueError)


def is_archive(path: Path) -> bool:
    """Return whether a file is a complete zip archive, as PyTorch writes them; it may be damaged.

    A file that is cut short is not.

    Args:
        path: The file.
    """
    try:
        return zipfile.is_zipfile(path)
    except zipfile.BadZipFile:  # its last 98 bytes claim several disks
        return True


def check_whole(path: Path) -> None:
    """Refuse a checkpoint or model file that is cut short or damaged, even if PyTorch reads it.

    Args:
        path: The file.

    Raises:
        ValueError: If it is.
        OSError: If it cannot be read.
    """
    remedy = "copy it again, or train again."
    if not is_archive(path):
        raise ValueError(f"{path} is cut short or not a model file: {remedy}")
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip() or _folder_in(archive) or _unreadable_part(path)
    except DAMAGE:
        damaged = "its table of contents"
    except OSError as error:
        if error.errno != errno.EINVAL:  # an offset before the beginning of the file
            raise
        damaged = "its table of contents"
    if damaged is not None:
        raise ValueError(f"{path} is damaged or not a model file (see {damaged}): {remedy}")


def _folder_in(archive: zipfile.ZipFile) -> str | None:
    """Return an entry that is marked as a folder; None: there is none.

    PyTorch writes none. It would read nothing of the entry, and fill its tensor with whatever lies
    in memory.
    """
    marked = (entry for entry in archive.infolist() if entry.external_attr & FOLDER)
    return next((entry.filename for entry in marked), None)


def _unreadable_part(path: Path) -> str | None:
    """Return the part that PyTorch, which parses headers itself, cannot read though zipfile can.

    No tensor is copied.
    """
    try:
        torch.load(path, map_location="cpu", mmap=True, weights_only=True)
    except pickle.UnpicklingError:  # whole, but with objects that are not tensors
        return None
    except (RuntimeError, EOFError):
        return "its headers"
    return None


def is_whole(path: Path) -> bool:
    """Return whether a checkpoint or model file exists and is neither cut short nor damaged.

    Args:
        path: The file.
    """
    try:
        check_whole(path)
    except (ValueError, FileNotFoundError):
        return False
    return True


def read_states(path: Path) -> Any:
    """Return the content of a checkpoint or model file.

    Args:
        path: The file.

    Raises:
        ValueError: If the file is cut short, damaged or of another format.
    """
    check_whole(path)
    try:
        return safe_torch_load(path, map_location="cpu")
    except (RuntimeError, pickle.UnpicklingError, EOFError) as error:
        reason = " ".join(str(error.__cause__ or error).split())[:200]
        raise ValueError(
            f"{path} is damaged or not a model file ({reason}): copy it again, or train again."
        ) from error


def load_tensors(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a model file, or those of the model in a `checkpoint.pth`, by name.

    Args:
        path: The file.

    Raises:
        ValueError: If the file is cut short or not a model file.
    """
    states = read_states(path)
    if isinstance(states, dict) and isinstance(states.get("model"), dict):
        states = states["model"]
    if not isinstance(states, dict) or not all(map(torch.is_tensor, states.values())):
        raise ValueError(f"{path} holds no tensors by name: it is not a model file.")
    return dict(states)


def check_tensors(
    found: Mapping[str, Tensor],
    expected: Mapping[str, Tensor],
    source: str,
    advice: str = OTHER_OUTPUT,
    sized: Callable[[str], bool] = lambda name: True,
) -> None:
    """Compare the tensors of a checkpoint with those of the model.

    Args:
        found: Tensors of the checkpoint by name.
        expected: Tensors of the model by name.
        source: How the message names the checkpoint.
        advice: What to do if they differ.
        sized: Function that returns whether a tensor of the model already has its true sizes; of
            others only the number of dimensions is compared.

    Raises:
        ValueError: If a name is missing or surplus, or a shape differs; the message names the
            first.
    """
    if has_adapters(found) != has_adapters(expected):
        side, own = ("with", "none") if has_adapters(found) else ("without", "some")
        raise ValueError(
            f"{source} was trained {side} adapters, but this run has {own} (`use_adapter`)."
            f" {advice}"
        )
    for name in sorted(set(found) ^ set(expected)):
        side = "lacks" if name not in found else "holds the unknown"
        raise ValueError(f"{source} is of another configuration: it {side} tensor {name}. {advice}")
    for name, tensor in expected.items():
        there, here = tuple(found[name].shape), tuple(tensor.shape)
        if there != here if sized(name) else len(there) != len(here):
            raise ValueError(
                f"{source} is of another configuration: tensor {name} is {there} there and {here}"
                f" here. {advice}"
            )
