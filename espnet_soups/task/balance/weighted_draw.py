"""Draw utterances of a language so that some corpora occur more often than others."""

import numpy as np


class WeightedDraw:
    """Draw of utterances with given chances, each at most once in a pass.

    A pass is a systematic sample along the lengths (W. G. Madow, 1949): the utterances lie side by
    side on a line, each as wide as its chance, and one point is taken from every unit. So a corpus
    occurs as often as its weight says, nearly without variance, and all passes have similar
    lengths: sizes of mini-batches that are cut for the longest possible pass fit every pass.

    Args:
        weights: Weight of each utterance, positive, `(N,)`; the largest has a chance of about 1.
        frames: Length of each utterance, `(N,)`.
    """

    def __init__(self, weights: np.ndarray, frames: np.ndarray) -> None:
        self.even = bool(np.all(weights == weights[0]))
        chances = weights / weights.max()
        self.number = len(weights) if self.even else int(chances.sum() + 1e-9)
        self.chances = chances * (self.number / chances.sum())
        self.frames = frames

    def draw(self, noise: np.ndarray, random: np.random.RandomState) -> np.ndarray:
        """Draw a pass.

        Args:
            noise: Factor on each length before they are sorted, `(N,)`.
            random: Random generator of the offset.

        Returns:
            Rows of the utterances drawn, the short ones first, `(number,)`.
        """
        order = np.argsort(self.frames * noise, kind="stable")
        if self.even:
            return order
        return order[self._take(order, random.uniform())]

    def longest(self) -> np.ndarray:
        """Return lengths that no pass exceeds, place by place, if noise is 1, `(number,)`."""
        order = np.argsort(self.frames, kind="stable")
        return self.frames[order if self.even else order[self._take(order, 1.0)]]

    def _take(self, order: np.ndarray, offset: float) -> np.ndarray:
        """Return the places in `order` of one point per unit."""
        line = np.cumsum(self.chances[order])
        places = np.searchsorted(line, np.arange(self.number) + offset - 1e-9, side="left")
        return np.minimum(places, len(order) - 1)
