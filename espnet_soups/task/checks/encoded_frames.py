"""Estimate how many frames an encoder makes from an utterance, without encoding every one."""

from collections.abc import Sequence

import numpy as np
import torch
from espnet2.legacy.nets.pytorch_backend.transformer.subsampling import TooShortUttError
from numpy.typing import NDArray
from torch import Tensor

from espnet_soups.network.encoding_model import EncodingModel

PROBES = 6  # lengths that are encoded


@torch.no_grad()
def encoded_frames(
    model: EncodingModel, lengths: Sequence[int], width: int | None
) -> NDArray[np.float64]:
    """Estimate the frames after the encoder, to one or two frames.

    Silence of a few lengths is encoded; between them the result is interpolated.

    Args:
        model: The model.
        lengths: Frames or samples of each utterance.
        width: Feature dimension; None: samples.

    Returns:
        Frames of each utterance, `(len(lengths),)`; 0 if it is too short for the encoder.
    """
    if len(lengths) == 0:
        return np.zeros(0)
    sizes = np.unique(np.quantile(lengths, np.linspace(0, 1, PROBES)).astype(int))
    training, like = model.training, next(model.parameters())
    if training:  # it goes through all modules, which takes long with hundreds of heads
        model.eval()
    try:
        found = [_encode_silence(model, int(size), width, like) for size in sizes]
    finally:
        if training:
            model.train()
    return np.interp(np.asarray(lengths, dtype=float), sizes, found)


def _encode_silence(model: EncodingModel, size: int, width: int | None, like: Tensor) -> int:
    shape = (1, size) if width is None else (1, size, width)
    try:
        _, lengths = model.encode(like.new_zeros(shape), torch.tensor([size], device=like.device))
    except TooShortUttError:
        return 0
    return int(lengths[0])
