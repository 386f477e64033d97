"""Equal error rate and detection cost of speaker embeddings, with resampling of speakers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from espnet_soups.objectives.metrics.detection_errors import (
    equal_error_rate,
    error_rates,
    min_detection_cost,
)
from espnet_soups.objectives.metrics.listing import Entry
from espnet_soups.objectives.metrics.measured import MeasuredDraws, Scores
from espnet_soups.objectives.metrics.trial_list import Trial

COSTS = {"min_dcf_001": 0.01, "min_dcf_005": 0.05}  # score to probability of a target trial
BLOCK_ELEMENTS = 4_000_000  # weights held at a time: 32 MB
MOST_LISTED, FIRST_LISTED = 20_000, 100


@dataclass(frozen=True)
class ScoredTrials:
    """Trials by score, the highest first.

    Attributes:
        scores: Cosine of the two embeddings, [n].
        target: Whether one speaker said both, [n].
        speakers: Rows of the speakers of both utterances, [n, 2].
        names: The speakers.
        order: Positions of the trials in their list, [n].
    """

    scores: NDArray[np.float64]
    target: NDArray[np.bool_]
    speakers: NDArray[np.intp]
    names: Sequence[str]
    order: NDArray[np.intp]

    def draw(self, resamples: int, generator: np.random.Generator) -> NDArray[np.int64]:
        """Draw speakers with replacement.

        Draws without trials of both sorts are repeated.

        Args:
            resamples: Number of draws.
            generator: Source of the random numbers.

        Returns:
            How often each speaker was drawn, [resamples, speakers].
        """
        size = len(self.names)
        chances = np.full(size, 1.0 / size)
        draws = np.zeros((resamples, size), dtype=np.int64)
        empty = np.full(resamples, True)
        first, second = self.speakers[~self.target].T
        own = np.bincount(self.speakers[self.target, 0], minlength=size)
        while empty.any():
            drawn = generator.multinomial(size, chances, size=int(empty.sum()))
            draws[empty] = drawn
            # row by row: a table of all pairs of speakers has no room in memory
            apart = [bool((row[first] & row[second]).any()) for row in drawn > 0]
            empty[empty] = (drawn @ own == 0) | ~np.array(apart)
        return draws

    def score(self, draws: NDArray[np.int64]) -> Scores:
        """Return each score of some draws, [resamples].

        A trial of two speakers counts as often as the product of their draws, a target trial as
        often as its speaker was drawn: copies of a speaker form no trials with each other.

        Args:
            draws: How often each speaker was drawn, [resamples, speakers].

        Source:
            Owen (2007), The pigeonhole bootstrap; Poh & Bengio (2007), for verification.
        """
        block = max(1, BLOCK_ELEMENTS // len(self.scores))
        parts = [self._score(draws[start : start + block]) for start in range(0, len(draws), block)]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _score(self, draws: NDArray[np.int64]) -> Scores:
        first, second = self.speakers.T
        weights = draws[:, first] * np.where(self.target, 1, draws[:, second])
        rates = error_rates(self.scores, self.target, weights.astype(np.float64))
        costs = {name: min_detection_cost(rates, p) for name, p in COSTS.items()}
        return {"eer": 100.0 * equal_error_rate(rates), **costs}

    def whole(self) -> dict[str, float]:
        """Return each score of all trials."""
        everyone = np.ones((1, len(self.names)), dtype=np.int64)
        return {name: float(values[0]) for name, values in self.score(everyone).items()}

    def threshold(self) -> float:
        """Return the score at which misses and false alarms are about as frequent."""
        rates = error_rates(self.scores, self.target, np.ones(len(self.scores)))
        levels = np.concatenate([self.scores[:1], np.unique(self.scores)[::-1]])
        return float(levels[np.argmax(rates.false_alarm >= rates.miss)])


def score_trials(
    trials: Sequence[Trial],
    speakers: Mapping[str, str],
    embeddings: Mapping[str, NDArray[np.float32]],
) -> ScoredTrials:
    """Score trials by the cosine of their embeddings.

    Args:
        trials: The trials.
        speakers: Speaker of each utterance.
        embeddings: Embedding of each utterance, [E].

    Returns:
        The trials, with their scores.

    Raises:
        ValueError: If an utterance has no embedding, or one that is not finite or zero.
    """
    keys = sorted({key for trial in trials for key in (trial.enrol, trial.test)})
    lacking = [key for key in keys if key not in embeddings]
    if lacking:
        raise ValueError(
            f"{len(lacking)} of the {len(keys)} utterances of the trials have no embedding, such as"
            f" {lacking[0]}; decode the set again (stage 11)."
        )
    vectors = np.stack([np.asarray(embeddings[key], dtype=np.float64) for key in keys])
    lengths = np.linalg.norm(vectors, axis=1)
    if not (np.isfinite(lengths) & (lengths > 0)).all():
        broken = keys[int(np.argmin(np.isfinite(lengths) & (lengths > 0)))]
        raise ValueError(f"The embedding of {broken} is zero or not finite: has training diverged?")
    vectors /= lengths[:, None]
    row = {key: position for position, key in enumerate(keys)}
    rows = np.array([[row[trial.enrol], row[trial.test]] for trial in trials])
    names = sorted({speakers[key] for key in keys})
    speaker = {name: position for position, name in enumerate(names)}
    spoken = np.array([speaker[speakers[key]] for key in keys])
    scores = np.einsum("ne,ne->n", vectors[rows[:, 0]], vectors[rows[:, 1]])
    order = np.argsort(-scores, kind="stable")
    target = np.array([trial.target for trial in trials])
    return ScoredTrials(scores[order], target[order], spoken[rows[order]], names, order)


def measure_trials(
    name: str,
    trials: Sequence[Trial],
    speakers: Mapping[str, str],
    embeddings: Mapping[str, NDArray[np.float32]],
) -> MeasuredDraws:
    """Measure the embeddings of an objective on trials; see `score_trials`.

    Args:
        name: Name of the objective.
        trials: The trials.
        speakers: Speaker of each utterance.
        embeddings: Embedding of each utterance, [E].

    Raises:
        ValueError: If an utterance has no embedding, or one that is not finite or zero.
    """
    scored = score_trials(trials, speakers, embeddings)
    whole = scored.whole()
    entries = list_trials(scored, trials)
    targets = int(scored.target.sum())
    listed = "" if len(entries) == len(trials) else f"; {len(entries)} of them are listed"
    return MeasuredDraws(
        keys=[trial.key for trial in trials],
        title=f"{name}: EER {whole['eer']:.2f} % of {len(trials)} trials ({targets} target) of"
        f" {len(scored.names)} speakers{listed}; the worst first",
        entries=entries,
        details={"eer": {"targets": targets, "threshold": round(scored.threshold(), 4)}},
        whole=whole,
        drawn=f"{len(scored.names)} speakers",
        draw=scored.draw,
        score=scored.score,
    )


def list_trials(scored: ScoredTrials, trials: Sequence[Trial]) -> list[Entry]:
    """List trials by how far they are on the wrong side of the threshold, the worst first.

    Of a long list, the worst are listed, and every k-th of the others.

    Args:
        scored: The trials by score.
        trials: The same trials in the order of their list.
    """
    threshold = scored.threshold()
    wrong = np.where(scored.target, threshold - scored.scores, scored.scores - threshold)
    positions = np.argsort(-wrong, kind="stable")
    if len(positions) > MOST_LISTED:
        others = np.linspace(FIRST_LISTED, len(positions) - 1, MOST_LISTED - FIRST_LISTED)
        positions = positions[np.concatenate([np.arange(FIRST_LISTED), others.astype(int)])]
    entries = []
    for position in positions:
        trial = trials[scored.order[position]]
        names = [scored.names[row] for row in scored.speakers[position]]
        said = f"target, speaker {names[0]}" if trial.target else f"speakers {' and '.join(names)}"
        cosine = f"cosine {scored.scores[position]:.3f} (threshold {threshold:.3f})"
        badness = (float(wrong[position]), 0.0)
        entries.append(Entry(badness, f"{trial.key}  {cosine}", said))
    return entries
