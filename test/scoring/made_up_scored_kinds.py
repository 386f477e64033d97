"""Kinds of objectives of a user's own, made up: one counts, one draws speakers by itself."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from espnet_soups.files import read_texts
from espnet_soups.objectives.kind import Heads, Kind, Metric
from espnet_soups.objectives.metrics.listing import Entry
from espnet_soups.objectives.metrics.measured import MeasuredDraws, MeasuredSums, Scores
from espnet_soups.objectives.metrics.text_pairs import read_pairs
from espnet_soups.objectives.objective import Objective


class MadeUpKind(Kind):
    """A kind that is not trained here."""

    def objective(self, name: str, settings: Mapping[str, Any]) -> Objective:
        """Return the objective of a name."""
        return Objective(
            name, f"made_up_scored_kinds:{type(self).__name__}", label_file=f"utt2{self.name}"
        )

    def build_heads(self, objectives: Sequence[Objective], args: Any, parts: Any) -> Heads:
        """Build nothing."""
        return Heads({})


class Mood(MadeUpKind):
    """Classify the mood of an utterance."""

    name = "mood"
    title = "Mood"
    sign = "MOOD"
    metrics = (Metric("accuracy", "Acc", lower_is_better=False),)

    def measure(self, objective, reference_dir, decode_dir, config):
        """Count right labels."""
        pairs = read_pairs(reference_dir, decode_dir, objective)
        right = np.array(
            [one == two for one, two in zip(pairs.references, pairs.hypotheses, strict=True)]
        )
        labels = sorted(set(pairs.references))
        confusion = np.zeros((len(labels), len(labels)), dtype=int)
        for one, two in zip(pairs.references, pairs.hypotheses, strict=True):
            confusion[labels.index(one), labels.index(two)] += 1
        return MeasuredSums(
            keys=pairs.keys,
            title=f"{objective.name}: {right.mean():.2f}",
            statistics=np.column_stack([right, np.ones(len(right))]).astype(float),
            scores=lambda sums: {"accuracy": 100.0 * sums[..., 0] / sums[..., 1]},
            details={"accuracy": {"labels": labels, "confusion": confusion.tolist()}},
            entries=[Entry((0.0, 0.0), pairs.keys[0], pairs.hypotheses[0])],
        )


class Pairwise(MadeUpKind):
    """Give trials of two speakers a number; scored by the median over trials, no sum."""

    name = "pairwise"
    title = "Pairs of speakers"
    sign = "PAIR"
    metrics = (Metric("median", "Median", "", digits=3),)

    def measure(self, objective, reference_dir, decode_dir, config):
        """Take the median of the trials, each as often as its two speakers were drawn."""
        trials = read_texts(decode_dir / objective.name / "text")
        speakers = sorted({speaker for key in trials for speaker in key.split("-")})
        rows = np.array([[speakers.index(name) for name in key.split("-")] for key in trials])
        numbers = np.array([float(text) for text in trials.values()])

        def draw(resamples: int, generator: np.random.Generator) -> NDArray[np.int64]:
            chances = np.full(len(speakers), 1.0 / len(speakers))
            return generator.multinomial(len(speakers), chances, size=resamples)

        def score(draws: NDArray[np.int64]) -> Scores:
            often = draws[:, rows[:, 0]] * draws[:, rows[:, 1]]
            medians = [np.median(np.repeat(numbers, own)) if own.any() else 0.0 for own in often]
            return {"median": np.array(medians)}

        return MeasuredDraws(
            keys=list(trials),
            title=f"{objective.name}: median of {len(trials)} trials",
            whole={"median": float(np.median(numbers))},
            drawn=f"{len(speakers)} speakers",
            draw=draw,
            score=score,
        )


class Untitled(Mood):
    """Has a score that it does not list."""

    metrics = ()
