"""Measure the size of a mini-batch, with ESPnet's names of the units."""

from dataclasses import dataclass

import numpy as np

BY_BINS = ("numel", "length")  # limited by batch_bins
BY_UTTERANCES = ("unsorted", "sorted", "folded")  # limited by batch_size
NAMES = (*BY_BINS, *BY_UTTERANCES)


@dataclass(frozen=True)
class BatchType:
    """Unit of size: a mini-batch of n utterances counts n times the load of its longest one.

    Attributes:
        name: `numel` counts padded numbers, `length` padded frames, `sorted` and `unsorted`
            utterances, `folded` utterances whose load grows by 1 every `fold_length` frames.
        fold_length: Length of a fold of `folded`, in frames (or samples).

    >>> BatchType("folded", 100).loads(np.array([99, 250]), 80).tolist()
    [1, 3]
    """

    name: str = "numel"
    fold_length: int = 0

    @property
    def sorts(self) -> bool:
        """True if a mini-batch has utterances of similar length."""
        return self.name != "unsorted"

    @property
    def limit(self) -> str:
        """Name of the option that limits a mini-batch."""
        return "batch_bins" if self.name in BY_BINS else "batch_size"

    def loads(self, frames: np.ndarray, width: int) -> np.ndarray:
        """Return the load of each utterance, a whole number, `(N,)`.

        Args:
            frames: Frames (or samples) of each utterance, `(N,)`.
            width: Numbers per frame.
        """
        if self.name == "numel":
            return frames.astype(np.float64) * width  # exact, and cannot overflow
        if self.name == "length":
            return frames
        if self.name == "folded":
            return 1 + frames // self.fold_length
        return np.ones_like(frames)

    def amounts(self, frames: np.ndarray, width: int) -> np.ndarray:
        """Return how much each utterance adds to the share of its language, `(N,)`.

        It is the load if batches are limited by audio, else 1.

        Args:
            frames: Frames (or samples) of each utterance, `(N,)`.
            width: Numbers per frame.
        """
        return self.loads(frames, width) if self.name in BY_BINS else np.ones_like(frames)
