"""Save and restore the states of all random generators of a training."""

import random
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch


def random_state(cuda: bool) -> dict[str, Any]:
    """Return the states of Python's, NumPy's and PyTorch's generators, as tensors and numbers.

    Args:
        cuda: Whether to include that of the current GPU.
    """
    version, words, gauss = random.getstate()
    kind, keys, position, has_gauss, cached = np.random.get_state()
    return {
        "python": [version, list(words), gauss],
        "numpy": [kind, torch.from_numpy(keys.astype(np.int64)), position, has_gauss, cached],
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state() if cuda else None,
    }


def set_random_state(state: Mapping[str, Any]) -> None:
    """Set the generators to a saved state.

    Args:
        state: The result of `random_state`, with its tensors on the CPU.
    """
    version, words, gauss = state["python"]
    random.setstate((version, tuple(words), gauss))
    kind, keys, position, has_gauss, cached = state["numpy"]
    np.random.set_state((kind, keys.numpy().astype(np.uint32), position, has_gauss, cached))
    torch.set_rng_state(state["torch"])
    if state["cuda"] is not None:
        torch.cuda.set_rng_state(state["cuda"])
