"""What the scores of one objective are computed from: sums over its utterances."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from espnet_soups.data.text_case import apply_case
from espnet_soups.objectives.metrics.bleu_chrf import (
    bleu,
    chrf,
    lacks_four_words,
    score_bleu,
    score_chrf,
    tokenizer_for,
)
from espnet_soups.objectives.metrics.error_rate import (
    COUNTS,
    ErrorCounts,
    count_character_errors,
    count_word_errors,
    error_rate,
    has_words,
)
from espnet_soups.objectives.metrics.listing import Entry, recognition_entries, translation_entries
from espnet_soups.scoring.score_config import ScoreConfig
from espnet_soups.scoring.text_pairs import TextPairs

NO_FOUR_WORDS = "no_four_words"  # BLEU is 0 by definition
Scores = dict[str, NDArray[np.float64]]


@dataclass(frozen=True)
class Measured:
    """An objective, measured utterance by utterance.

    Attributes:
        pairs: Its texts.
        statistics: Sufficient statistics of each utterance, [n, k].
        scores: Gives each score by name from summed statistics, [..., k] to [...].
        details: What is kept beside each score: counts, or sacrebleu's signature.
        entries: Its utterances, the worst first.
        unit: What the entries are sorted by, for the title of the listing.
    """

    pairs: TextPairs
    statistics: NDArray[np.float64]
    scores: Callable[[NDArray[np.float64]], Scores] = field(repr=False)
    details: dict[str, dict[str, Any]]
    entries: list[Entry] = field(repr=False)
    unit: str

    def values(self) -> dict[str, float]:
        """Gives the scores of the whole set."""
        return {
            name: float(score) for name, score in self.scores(self.statistics.sum(axis=0)).items()
        }

    def undefined(self) -> set[str]:
        """Return the scores that say nothing: BLEU where no hypothesis has four words."""
        return {name for name, detail in self.details.items() if detail.get(NO_FOUR_WORDS)}

    def title(self) -> str:
        """Gives the first line of the listing."""
        values, number = self.values(), len(self.pairs.keys)
        if self.unit in ("wer", "cer"):
            return (
                f"{self.pairs.objective.name}: {self.unit.upper()} {values[self.unit]:.2f} % over"
                f" {number} utterances; S substituted, D deleted, I inserted; worst first"
            )
        return (
            f"{self.pairs.objective.name}: BLEU {values['bleu']:.2f}, chrF {values['chrf']:.2f}"
            f" over {number} utterances; sorted by the sentence's chrF, worst first"
        )


def measure(pairs: TextPairs, config: ScoreConfig) -> Measured:
    """Measures recognition or translation, whichever the objective is.

    Raises:
        ValueError: If the tokenizer of BLEU is unknown or not installed.
    """
    if pairs.objective.task == "asr":
        return measure_recognition(pairs)
    return measure_translation(pairs, config)


def measure_recognition(pairs: TextPairs) -> Measured:
    """Counts word, character and sentence errors.

    A language without spaces has no word error rate, and its characters are compared without
    spaces; elsewhere a space counts as a character.
    """
    spaced = has_words(pairs.objective.language)
    errors = {"cer": count_character_errors(pairs.references, pairs.hypotheses, spaced)}
    if spaced:
        errors = {"wer": count_word_errors(pairs.references, pairs.hypotheses), **errors}
    wrong = (errors["cer"].errors > 0).astype(np.float64)
    names, size = list(errors), len(COUNTS)

    def scores(sums: NDArray[np.float64]) -> Scores:
        rates = {
            name: error_rate(sums[..., position * size : (position + 1) * size])
            for position, name in enumerate(names)
        }
        return {**rates, "sentence_error": 100.0 * sums[..., -2] / sums[..., -1]}

    unit = "wer" if spaced else "cer"
    return Measured(
        pairs=pairs,
        statistics=np.column_stack(
            [*(item.counts for item in errors.values()), wrong, np.ones_like(wrong)]
        ),
        scores=scores,
        details={
            **{name: _count_record(item) for name, item in errors.items()},
            "sentence_error": {"wrong": int(wrong.sum())},
        },
        entries=recognition_entries(pairs, errors[unit], unit.upper()),
        unit=unit,
    )


def measure_translation(pairs: TextPairs, config: ScoreConfig) -> Measured:
    """Counts what BLEU and chrF need, and `bleu_lc_rm` where it is wanted.

    Raises:
        ValueError: If the tokenizer is unknown or not installed.
    """
    target = pairs.objective.target or pairs.objective.language
    tokenizer = config.bleu_tokenizer or tokenizer_for(target)
    results = {
        "bleu": score_bleu(pairs.references, pairs.hypotheses, tokenizer, config.bleu_lowercase),
        "chrf": score_chrf(pairs.references, pairs.hypotheses),
    }
    if config.bleu_lc_rm:
        references, hypotheses = (
            [apply_case(text, "lc.rm") for text in texts]
            for texts in (pairs.references, pairs.hypotheses)
        )
        results["bleu_lc_rm"] = score_bleu(references, hypotheses, tokenizer, lowercase=True)
    names = list(results)
    ends = np.cumsum([item.statistics.shape[1] for item in results.values()])

    def scores(sums: NDArray[np.float64]) -> Scores:
        parts = np.split(sums, ends[:-1], axis=-1)
        return {
            name: (chrf if name == "chrf" else bleu)(own)
            for name, own in zip(names, parts, strict=True)
        }

    return Measured(
        pairs=pairs,
        statistics=np.concatenate([item.statistics for item in results.values()], axis=1),
        scores=scores,
        details={
            name: {"signature": item.signature}
            | ({NO_FOUR_WORDS: True} if name != "chrf" and lacks_four_words(item) else {})
            for name, item in results.items()
        },
        entries=translation_entries(pairs, chrf(results["chrf"].statistics).tolist()),
        unit="chrf",
    )


def _count_record(errors: ErrorCounts) -> dict[str, int]:
    sums = errors.counts.sum(axis=0).astype(int).tolist()
    return {**dict(zip(COUNTS, sums, strict=True)), "reference_units": sum(sums[:3])}
