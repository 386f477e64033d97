"""BLEU and chrF of translations."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from espnet_soups.data.text_case import apply_case
from espnet_soups.objectives.metrics.bleu_chrf import (
    MetricResult,
    bleu,
    chrf,
    lacks_four_words,
    score_bleu,
    score_chrf,
    tokenizer_for,
)
from espnet_soups.objectives.metrics.listing import Entry
from espnet_soups.objectives.metrics.measured import MeasuredSums, Scores, Undefined
from espnet_soups.objectives.metrics.score_config import ScoreConfig
from espnet_soups.objectives.metrics.text_pairs import TextPairs

# BLEU is 0 by definition, whatever the hypotheses are.
NO_FOUR_WORDS = Undefined(
    why="is 0 since no hypothesis has four words, and so says nothing, nor does a mean with it:"
    " read chrF",
    compared="no hypothesis of one of them has four words, so that its BLEU is 0 whatever they are:"
    " compare chrF",
)


def measure_translation(pairs: TextPairs, config: ScoreConfig) -> MeasuredSums:
    """Measure BLEU and chrF, and `bleu_lc_rm` if it is asked for.

    Args:
        pairs: References and hypotheses.
        config: Settings of scoring.

    Raises:
        ValueError: If the tokenizer is unknown or not installed.
    """
    results = _score(pairs, config)
    names = list(results)
    ends = np.cumsum([item.statistics.shape[1] for item in results.values()])
    statistics = np.concatenate([item.statistics for item in results.values()], axis=1)

    def scores(sums: NDArray[np.float64]) -> Scores:
        parts = np.split(sums, ends[:-1], axis=-1)
        return {
            name: (chrf if name == "chrf" else bleu)(own)
            for name, own in zip(names, parts, strict=True)
        }

    values = scores(statistics.sum(axis=0))
    short = {name for name, item in results.items() if name != "chrf" and lacks_four_words(item)}
    return MeasuredSums(
        keys=pairs.keys,
        title=f"{pairs.objective.name}: BLEU {values['bleu']:.2f}, chrF {values['chrf']:.2f} over"
        f" {len(pairs.keys)} utterances; sorted by the sentence's chrF, worst first",
        statistics=statistics,
        scores=scores,
        details={name: _detail(item, name in short) for name, item in results.items()},
        entries=translation_entries(pairs, chrf(results["chrf"].statistics).tolist()),
        without_reference=pairs.without_reference,
        empty_hypotheses=pairs.empty_hypotheses,
        undefined=dict.fromkeys(sorted(short), NO_FOUR_WORDS),
    )


def _score(pairs: TextPairs, config: ScoreConfig) -> dict[str, MetricResult]:
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
    return results


def _detail(result: MetricResult, short: bool) -> dict[str, Any]:
    return {"signature": result.signature} | ({"no_four_words": True} if short else {})


def translation_entries(pairs: TextPairs, sentence_chrf: Sequence[float]) -> list[Entry]:
    """List translations by the chrF of their sentence, the worst first.

    BLEU of one short sentence is useless: it is 0 without a common four-gram.

    Args:
        pairs: References and hypotheses.
        sentence_chrf: chrF of each pair, in [0, 100].
    """
    rows = zip(pairs.keys, pairs.references, pairs.hypotheses, sentence_chrf, strict=True)
    entries = [
        Entry(
            (-chrf, float(len(reference) if chrf < 100.0 else -len(reference))),
            f"{key}  chrF {chrf:.1f}",
            f"REF: {reference}\nHYP: {hypothesis}".rstrip(),
        )
        for key, reference, hypothesis, chrf in rows
    ]
    return sorted(entries, key=lambda entry: entry.badness, reverse=True)
