"""Measurements of one objective, from which scores and bootstrap resamples are computed."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from espnet_soups.objectives.metrics.listing import Entry

Scores = dict[str, NDArray[np.float64]]


class NothingToScoreError(ValueError):
    """Error of a set without labels for an objective of all languages."""


@dataclass(frozen=True)
class Undefined:
    """Reason why a score is meaningless.

    Attributes:
        why: Continuation of `<title> of <objectives>`, such as `is 0 since …: read chrF`.
        compared: The same for a comparison of two systems, as a clause of its own.
    """

    why: str
    compared: str


@dataclass(frozen=True, kw_only=True)
class Measured(ABC):
    """Measured objective: a `MeasuredSums` or a `MeasuredDraws`.

    Attributes:
        keys: Ids of the scored items: utterances, or trials.
        title: First line of the listing.
        details: Entries of `scores.json` beside each score, such as counts, sacrebleu's
            `signature`, or `labels` and their `confusion` (rows are references).
        entries: Entries of the listing, the worst first.
        without_reference: Number of items that were left out because they have no label.
        empty_hypotheses: Number of empty hypotheses.
        undefined: Reason of each meaningless score, by name.
    """

    keys: Sequence[str]
    title: str
    details: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    entries: Sequence[Entry] = field(default=(), repr=False)
    without_reference: int = 0
    empty_hypotheses: int = 0
    undefined: Mapping[str, Undefined] = field(default_factory=dict)

    @abstractmethod
    def values(self) -> dict[str, float]:
        """Return the scores of the whole set."""


@dataclass(frozen=True, kw_only=True)
class MeasuredSums(Measured):
    """Scores of sums over utterances: the bootstrap draws utterances, or groups of them.

    Attributes:
        statistics: Sufficient statistics of each utterance, [n, k], in the order of `keys`.
        scores: Function from summed statistics to each score by name, [..., k] to [...].

    >>> right = MeasuredSums(
    ...     keys=["a", "b"],
    ...     title="",
    ...     statistics=np.array([[1.0, 1.0], [0.0, 1.0]]),
    ...     scores=lambda sums: {"accuracy": 100.0 * sums[..., 0] / sums[..., 1]},
    ... )
    >>> right.values()
    {'accuracy': 50.0}
    """

    statistics: NDArray[np.float64]
    scores: Callable[[NDArray[np.float64]], Scores] = field(repr=False)

    def values(self) -> dict[str, float]:
        """Return the scores of the whole set."""
        sums = self.statistics.sum(axis=0)
        return {name: float(score) for name, score in self.scores(sums).items()}


@dataclass(frozen=True, kw_only=True)
class MeasuredDraws(Measured):
    """Scores that are no function of sums over utterances, such as an equal error rate.

    The bootstrap uses its own draws, such as speakers with all their trials; `utt2group` has no
    effect. Two systems are compared on the same draws, those of the first, so draws must depend on
    the reference alone, and both must have the same `keys`.

    Attributes:
        whole: The scores of the whole set.
        drawn: The drawn items, such as `40 speakers`, for tables.
        draw: Function that draws sets: (number of sets, generator) to an array whose first axis
            counts them, such as how often each speaker is in the set, [resamples, speakers].
        score: Function from draws to each score by name, [resamples, ...] to [resamples].
    """

    whole: Mapping[str, float]
    drawn: str
    draw: Callable[[int, np.random.Generator], NDArray[Any]] = field(repr=False)
    score: Callable[[NDArray[Any]], Scores] = field(repr=False)

    def values(self) -> dict[str, float]:
        """Return the scores of the whole set."""
        return dict(self.whole)

    def resample(self, resamples: int, generator: np.random.Generator) -> Scores:
        """Return the scores of resampled sets, [resamples] each.

        Args:
            resamples: Number of sets.
            generator: Source of the random numbers.
        """
        return self.score(self.draw(resamples, generator))
