"""Bootstrap intervals over utterances, from per-utterance sums."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95
BLOCK_ELEMENTS = 4_000_000  # counts held at a time: 32 MB


@dataclass(frozen=True)
class Estimate:
    """A score with the percentile interval of its resamples.

    Attributes:
        value: The score of the whole set.
        low: Lower end of the 95 % interval.
        high: Upper end.
    """

    value: float
    low: float
    high: float

    def as_dict(self) -> dict[str, float]:
        """Gives the three numbers, rounded to four decimals."""
        return {
            "value": round(self.value, 4),
            "low": round(self.low, 4),
            "high": round(self.high, 4),
        }


def resample_sums(
    statistics: NDArray[np.float64], resamples: int, generator: np.random.Generator
) -> NDArray[np.float64]:
    """Draws sets of utterances with replacement and sums their statistics.

    Args:
        statistics: Sufficient statistics of each utterance, [n, k].
        resamples: How many sets to draw.
        generator: Where the randomness comes from.

    Returns:
        The sums, [resamples, k]; each is over n draws.

    Source: Efron (1979), the bootstrap; Bisani & Ney (2004) for error rates, Koehn (2004) for BLEU.

    >>> resample_sums(np.ones((3, 1)), 2, np.random.default_rng(0)).tolist()
    [[3.0], [3.0]]
    """
    size = len(statistics)
    chances = np.full(size, 1.0 / size)
    block = max(1, BLOCK_ELEMENTS // size)
    sums = np.empty((resamples, statistics.shape[1]))
    for start in range(0, resamples, block):
        stop = min(start + block, resamples)
        sums[start:stop] = generator.multinomial(size, chances, size=stop - start) @ statistics
    return sums


def estimate(value: float, resampled: NDArray[np.float64]) -> Estimate:
    """Puts the percentile interval of the resampled scores around a score."""
    tail = (1.0 - CONFIDENCE) / 2.0
    low, high = np.quantile(resampled, [tail, 1.0 - tail])
    return Estimate(float(value), float(low), float(high))
