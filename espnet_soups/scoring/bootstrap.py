"""Bootstrap intervals over utterances or groups of them, from per-utterance sums."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95
BLOCK_ELEMENTS = 4_000_000  # counts held at a time: 32 MB
MOST_ROUNDS = 10_000


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
        """Return the three numbers, rounded to four decimals."""
        return {
            "value": round(self.value, 4),
            "low": round(self.low, 4),
            "high": round(self.high, 4),
        }


def resample_sums(
    statistics: NDArray[np.float64], resamples: int, generator: np.random.Generator
) -> NDArray[np.float64]:
    """Draw sets of utterances with replacement and sum their statistics.

    Args:
        statistics: Sufficient statistics of each utterance, [n, k].
        resamples: Number of sets to draw.
        generator: Source of the random numbers.

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


def resample_jointly(
    statistics: Sequence[NDArray[np.float64]],
    groups: Sequence[Sequence[str]],
    resamples: int,
    generator: np.random.Generator,
) -> list[NDArray[np.float64]]:
    """Draw groups of utterances with replacement, the same ones for several objectives.

    Utterances that depend on one another are drawn together: the same sentence in several
    languages, or the outputs of two systems for it. A draw that leaves an objective without any
    utterance is repeated.

    Args:
        statistics: Sufficient statistics of the utterances of m objectives, each [n, k]; n and
            k may differ.
        groups: The group of each utterance, m times [n].
        resamples: Number of sets to draw.
        generator: Source of the random numbers.

    Returns:
        The sums of each objective, m times [resamples, k].

    Raises:
        ValueError: If hardly any draw has utterances of every objective.

    Source: the cluster bootstrap, e.g. Davison & Hinkley (1997), section 3.8.

    >>> one, two = np.array([[1.0], [2.0]]), np.array([[10.0], [20.0]])
    >>> sums = resample_jointly([one, two], [["a", "b"], ["a", "b"]], 5, np.random.default_rng(0))
    >>> bool((sums[1] == 10.0 * sums[0]).all())
    True
    """
    rows = {name: row for row, name in enumerate(sorted({n for part in groups for n in part}))}
    totals = []
    for values, names in zip(statistics, groups, strict=True):
        own = np.zeros((len(rows), values.shape[1] + 1))
        # the last column counts utterances
        np.add.at(
            own,
            [rows[name] for name in names],
            np.pad(values, ((0, 0), (0, 1)), "constant", constant_values=1.0),
        )
        totals.append(own)
    ends = np.cumsum([own.shape[1] for own in totals])
    table = np.concatenate(totals, axis=1)
    sums = resample_sums(table, resamples, generator)
    for _ in range(MOST_ROUNDS):
        empty = (sums[:, ends - 1] == 0).any(axis=1)
        if not empty.any():
            return [part[:, :-1] for part in np.split(sums, ends[:-1], axis=1)]
        sums[empty] = resample_sums(table, int(empty.sum()), generator)
    raise ValueError(
        f"Of {len(rows)} groups too few hold utterances of every objective to draw them jointly;"
        " use larger sets, or no utt2group."
    )


def estimate(value: float, resampled: NDArray[np.float64]) -> Estimate:
    """Return a score with the percentile interval of its resampled values.

    Args:
        value: The score of the whole set.
        resampled: The scores of the resamples, [resamples].
    """
    tail = (1.0 - CONFIDENCE) / 2.0
    low, high = np.quantile(resampled, [tail, 1.0 - tail])
    return Estimate(float(value), float(low), float(high))
