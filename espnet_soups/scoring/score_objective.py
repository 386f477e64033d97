"""Scores one objective: its numbers, the listing of its errors, and its resamples."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from espnet_soups.data.text_case import apply_case
from espnet_soups.scoring.bootstrap import Estimate, estimate, resample_sums
from espnet_soups.scoring.error_rate import (
    COUNTS,
    ErrorCounts,
    count_character_errors,
    count_word_errors,
    error_rate,
    has_words,
)
from espnet_soups.scoring.listing import Entry, recognition_entries, translation_entries
from espnet_soups.scoring.text_pairs import TextPairs
from espnet_soups.scoring.translation import bleu, chrf, score_bleu, score_chrf, tokenizer_for


@dataclass(frozen=True)
class ScoreConfig:
    """How texts are scored.

    Attributes:
        bleu_lowercase: Whether BLEU ignores case.
        bleu_tokenizer: sacrebleu's tokenizer for every target; None: by target language.
        bleu_lc_rm: Whether BLEU is also computed on lower-case texts without punctuation.
        resamples: Sets that the bootstrap draws.
        seed: Of the bootstrap.
    """

    bleu_lowercase: bool = False
    bleu_tokenizer: str | None = None
    bleu_lc_rm: bool = False
    resamples: int = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuses fewer resamples than a 95 % interval can be read from.

        Raises:
            ValueError: If `resamples` is under 100 or `seed` negative.
        """
        if self.resamples < 100:
            raise ValueError(f"`resamples` must be 100 or more, but got {self.resamples}.")
        if self.seed < 0:
            raise ValueError(f"`seed` must be 0 or more, but got {self.seed}.")


@dataclass(frozen=True)
class ObjectiveScore:
    """The scores of one objective.

    Attributes:
        record: What `scores.json` keeps.
        estimates: Each score by name, with its interval.
        resampled: Each score of every resample, [resamples], for intervals of averages.
        entries: Its utterances, the worst first.
        title: First line of the listing.
    """

    record: dict[str, Any]
    estimates: dict[str, Estimate]
    resampled: dict[str, NDArray[np.float64]]
    entries: list[Entry] = field(repr=False)
    title: str


def score_recognition(
    pairs: TextPairs, config: ScoreConfig, generator: np.random.Generator
) -> ObjectiveScore:
    """Computes word, character and sentence error rates in percent.

    A language without spaces has no word error rate, and its characters are compared without
    spaces; elsewhere a space counts as a character.
    """
    spaced = has_words(pairs.objective.language)
    errors = {"cer": count_character_errors(pairs.references, pairs.hypotheses, spaced)}
    if spaced:
        errors = {"wer": count_word_errors(pairs.references, pairs.hypotheses), **errors}
    wrong = (errors["cer"].errors > 0).astype(np.float64)
    statistics = np.column_stack(
        [*(item.counts for item in errors.values()), wrong, np.ones_like(wrong)]
    )
    sums = resample_sums(statistics, config.resamples, generator)
    estimates, resampled, details = {}, {}, {}
    for position, (name, item) in enumerate(errors.items()):
        own = slice(position * len(COUNTS), (position + 1) * len(COUNTS))
        resampled[name] = error_rate(sums[:, own])
        estimates[name] = estimate(float(error_rate(item.counts.sum(axis=0))), resampled[name])
        details[name] = _count_record(item)
    resampled["sentence_error"] = 100.0 * sums[:, -2] / sums[:, -1]
    estimates["sentence_error"] = estimate(100.0 * wrong.mean(), resampled["sentence_error"])
    details["sentence_error"] = {"wrong": int(wrong.sum())}
    unit = "wer" if spaced else "cer"
    title = (
        f"{pairs.objective.name}: {unit.upper()} {estimates[unit].value:.2f} % over"
        f" {len(pairs.keys)} utterances; S substituted, D deleted, I inserted; worst first"
    )
    entries = recognition_entries(pairs, errors[unit], unit.upper())
    return ObjectiveScore(_record(pairs, estimates, details), estimates, resampled, entries, title)


def score_translation(
    pairs: TextPairs, config: ScoreConfig, generator: np.random.Generator
) -> ObjectiveScore:
    """Computes BLEU and chrF, and `bleu_lc_rm` where it is wanted.

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
    ends = np.cumsum([item.statistics.shape[1] for item in results.values()])
    statistics = np.concatenate([item.statistics for item in results.values()], axis=1)
    sums = np.split(resample_sums(statistics, config.resamples, generator), ends[:-1], axis=1)
    resampled = {
        name: (chrf if name == "chrf" else bleu)(own)
        for name, own in zip(results, sums, strict=True)
    }
    estimates = {name: estimate(results[name].value, resampled[name]) for name in results}
    details = {name: {"signature": item.signature} for name, item in results.items()}
    entries = translation_entries(pairs, chrf(results["chrf"].statistics).tolist())
    title = (
        f"{pairs.objective.name}: BLEU {estimates['bleu'].value:.2f}, chrF"
        f" {estimates['chrf'].value:.2f} over {len(pairs.keys)} utterances; sorted by the"
        " sentence's chrF, worst first"
    )
    return ObjectiveScore(_record(pairs, estimates, details), estimates, resampled, entries, title)


def _count_record(errors: ErrorCounts) -> dict[str, int]:
    sums = errors.counts.sum(axis=0).astype(int).tolist()
    return {**dict(zip(COUNTS, sums, strict=True)), "reference_units": sum(sums[:3])}


def _record(
    pairs: TextPairs, estimates: Mapping[str, Estimate], details: Mapping[str, dict[str, Any]]
) -> dict[str, Any]:
    return {
        "task": pairs.objective.task,
        "language": pairs.objective.language,
        "target": pairs.objective.target,
        "utterances": len(pairs.keys),
        "without_reference": pairs.without_reference,
        "empty_hypotheses": sum(not text for text in pairs.hypotheses),
        **{name: {**item.as_dict(), **details[name]} for name, item in estimates.items()},
    }
