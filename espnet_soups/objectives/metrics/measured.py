"""What the scores of one objective are computed from, and drawn anew by the bootstrap."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from espnet_soups.objectives.metrics.listing import Entry

Scores = dict[str, NDArray[np.float64]]


class NothingToScoreError(ValueError):
    """A set has nothing to score an objective of all languages by, as a test set may have not."""


@dataclass(frozen=True)
class Undefined:
    """Why a score says nothing.

    Attributes:
        why: Goes on from `<title> of <objectives>`, such as `is 0 since …: read chrF`.
        compared: The same where two systems are compared, a clause of its own.
    """

    why: str
    compared: str


@dataclass(frozen=True, kw_only=True)
class Measured(ABC):
    """An objective, measured: a `MeasuredSums` or a `MeasuredDraws`.

    Attributes:
        keys: Ids of what is scored: utterances, or trials.
        title: First line of the listing.
        details: What `scores.json` keeps beside each score, such as counts, sacrebleu's
            `signature`, or `labels` and their `confusion` (rows are references).
        entries: What the listing shows, the worst first.
        without_reference: How many were left out since they have no label.
        empty_hypotheses: How many hypotheses hold nothing.
        undefined: Why scores say nothing, those that do.
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
        scores: Makes each score by name from summed statistics, [..., k] to [...].

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

    It draws by itself, such as speakers with all their trials; `utt2group` plays no part. Two
    systems are compared on the same draws: those of the first, so that what is drawn must depend
    on the reference alone, and both must have the same `keys`.

    Attributes:
        whole: The scores of the whole set.
        drawn: What is drawn, such as `40 speakers`, for tables.
        draw: Draws sets: (how many, generator) to an array whose first axis counts them, such as
            how often each speaker is in the set, [resamples, speakers].
        score: Makes each score by name from draws, [resamples, ...] to [resamples].
    """

    whole: Mapping[str, float]
    drawn: str
    draw: Callable[[int, np.random.Generator], NDArray[Any]] = field(repr=False)
    score: Callable[[NDArray[Any]], Scores] = field(repr=False)

    def values(self) -> dict[str, float]:
        """Return the scores of the whole set."""
        return dict(self.whole)

    def resample(self, resamples: int, generator: np.random.Generator) -> Scores:
        """Return the scores of sets drawn anew, [resamples] each."""
        return self.score(self.draw(resamples, generator))
