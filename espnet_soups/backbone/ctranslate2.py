"""Read the weights of a model in the format of CTranslate2."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import torch
from torch import Tensor

VERSION = 6  # of the file; the numbers of types and the aliases are of this one
TYPES = {
    0: torch.float32,
    1: torch.int8,
    2: torch.int16,
    3: torch.int32,
    4: torch.float16,
    5: torch.bfloat16,
}


@dataclass(frozen=True)
class StoredModel:
    """Content of a `model.bin`.

    Attributes:
        kind: Name of the model's specification, such as `WhisperSpec`.
        revision: Number of the specification.
        tensors: Tensors by name, such as `encoder/conv1/weight`; a number is a tensor without
            dimensions.
    """

    kind: str
    revision: int
    tensors: Mapping[str, Tensor]


def read_model(path: Path) -> StoredModel:
    """Read a `model.bin`, without CTranslate2.

    The file is little-endian: version; name and revision of the specification; number of tensors;
    of each its name, its dimensions, its type and its bytes; pairs of names for one tensor. A name
    is stored with its length and a zero at its end.

    Args:
        path: The file.

    Raises:
        OSError: If it cannot be read.
        ValueError: If it is of another format, cut short, or has bytes left over.

    Source:
        CTranslate2, `python/ctranslate2/specs/model_spec.py`, which writes it.
    """
    with open(path, "rb") as file:
        try:
            model = _read(file, path)
            rest = file.read(1)
        except (struct.error, UnicodeDecodeError, MemoryError) as error:
            raise ValueError(
                f"{path} is cut short, or not a model of CTranslate2: fetch it again."
            ) from error
    if rest:
        raise ValueError(f"{path} has bytes behind its last tensor: fetch it again.")
    return model


def _read(file: BinaryIO, path: Path) -> StoredModel:
    version = _number(file, "I")
    if version != VERSION:
        raise ValueError(
            f"{path} begins with the number {version}, but a model of CTranslate2 that can be read"
            f" begins with its version {VERSION}: convert it anew with CTranslate2 3 or 4."
        )
    kind, revision = _name(file), _number(file, "I")
    tensors: dict[str, Tensor] = {}
    for _ in range(_number(file, "I")):
        name = _name(file)
        sizes = [_number(file, "I") for _ in range(_number(file, "B"))]
        number, size = _number(file, "B"), _number(file, "I")
        if number not in TYPES:
            raise ValueError(f"{path}: tensor {name} is of the unknown type {number}.")
        tensors[name] = _tensor(_bytes(file, size), TYPES[number], sizes, f"{path}: tensor {name}")
    for _ in range(_number(file, "I")):
        alias, name = _name(file), _name(file)
        if name not in tensors:
            raise ValueError(f"{path}: {alias} stands for {name}, which is not there.")
        tensors[alias] = tensors[name]
    return StoredModel(kind, revision, tensors)


def _tensor(content: bytes, kind: torch.dtype, sizes: list[int], called: str) -> Tensor:
    wanted = kind.itemsize
    for size in sizes:
        wanted *= size
    if wanted != len(content):
        raise ValueError(f"{called} has sizes {sizes} of {kind}, but {len(content)} bytes.")
    if not content:
        return torch.empty(sizes, dtype=kind)
    return torch.frombuffer(bytearray(content), dtype=kind).reshape(sizes)


def _number(file: BinaryIO, letter: str) -> int:
    return int(struct.unpack(f"<{letter}", _bytes(file, struct.calcsize(f"<{letter}")))[0])


def _name(file: BinaryIO) -> str:
    return _bytes(file, _number(file, "H")).rstrip(b"\0").decode("utf-8")


def _bytes(file: BinaryIO, size: int) -> bytes:
    content = file.read(size)
    if len(content) != size:
        raise struct.error("end of file")
    return content
