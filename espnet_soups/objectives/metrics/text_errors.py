"""Word, character and sentence errors of recognised texts."""

import numpy as np
from numpy.typing import NDArray

from espnet_soups.objectives.metrics.alignment import recognition_entries
from espnet_soups.objectives.metrics.error_rate import (
    COUNTS,
    ErrorCounts,
    count_character_errors,
    count_word_errors,
    error_rate,
    has_words,
)
from espnet_soups.objectives.metrics.measured import MeasuredSums, Scores
from espnet_soups.objectives.metrics.text_pairs import TextPairs


def measure_errors(pairs: TextPairs) -> MeasuredSums:
    """Measure word, character and sentence error rates.

    A language without spaces has no word error rate, and its characters are compared without
    spaces; in others a space counts as a character.

    Args:
        pairs: References and hypotheses.
    """
    spaced = has_words(pairs.objective.language)
    errors = {"cer": count_character_errors(pairs.references, pairs.hypotheses, spaced)}
    if spaced:
        errors = {"wer": count_word_errors(pairs.references, pairs.hypotheses), **errors}
    wrong = (errors["cer"].errors > 0).astype(np.float64)
    counts = [*(item.counts for item in errors.values()), wrong, np.ones_like(wrong)]
    statistics = np.column_stack(counts)
    names, size = list(errors), len(COUNTS)

    def scores(sums: NDArray[np.float64]) -> Scores:
        rates = {
            name: error_rate(sums[..., position * size : (position + 1) * size])
            for position, name in enumerate(names)
        }
        return {**rates, "sentence_error": 100.0 * sums[..., -2] / sums[..., -1]}

    unit = names[0]
    value = float(scores(statistics.sum(axis=0))[unit])
    return MeasuredSums(
        keys=pairs.keys,
        title=f"{pairs.objective.name}: {unit.upper()} {value:.2f} % over {len(pairs.keys)}"
        " utterances; S substituted, D deleted, I inserted; worst first",
        statistics=statistics,
        scores=scores,
        details={
            **{name: _count_record(item) for name, item in errors.items()},
            "sentence_error": {"wrong": int(wrong.sum())},
        },
        entries=recognition_entries(pairs, errors[unit], unit.upper()),
        without_reference=pairs.without_reference,
        empty_hypotheses=pairs.empty_hypotheses,
    )


def _count_record(errors: ErrorCounts) -> dict[str, int]:
    sums = errors.counts.sum(axis=0).astype(int).tolist()
    return {**dict(zip(COUNTS, sums, strict=True)), "reference_units": sum(sums[:3])}
