"""BLEU and chrF by sacrebleu, with the sufficient statistics of each utterance."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sacrebleu.metrics import BLEU, CHRF
from sacrebleu.metrics.helpers import extract_all_char_ngrams

from espnet_soups.objectives.language_codes import (
    CHINESE,
    first_part,
    is_romanised,
    writes_spaces,
)

ORDER = 4  # BLEU's n-grams of words
CHARACTER_ORDER = CHRF.CHAR_ORDER
TOKENIZERS = {
    **dict.fromkeys(CHINESE, "zh"),
    **dict.fromkeys(("ja", "jpn"), "ja-mecab"),
    **dict.fromkeys(("ko", "kor"), "ko-mecab"),
}
WITHOUT_TOKENIZER = "char"  # for scripts without spaces for which sacrebleu has no tokenizer


@dataclass(frozen=True)
class MetricResult:
    """Score of a set, with the statistics for its resamples.

    Attributes:
        value: sacrebleu's score of the whole set.
        signature: sacrebleu's signature, which makes the number comparable.
        statistics: Sufficient statistics of each utterance, [n, k].
    """

    value: float
    signature: str
    statistics: NDArray[np.float64]


def tokenizer_for(language: str) -> str:
    """Return sacrebleu's tokenizer of a target language; `13a` unless its script needs another.

    Args:
        language: Code of the target language.

    >>> tokenizer_for("en"), tokenizer_for("zh-CN"), tokenizer_for("cmn_hans_cn")
    ('13a', 'zh', 'zh')
    """
    default = BLEU.TOKENIZER_DEFAULT if writes_spaces(language) else WITHOUT_TOKENIZER
    known = {} if is_romanised(language) else TOKENIZERS
    return known.get(first_part(language), default)


def check_tokenizer(tokenizer: str) -> None:
    """Refuse a tokenizer that sacrebleu lacks, or that needs a package that is not installed.

    Args:
        tokenizer: sacrebleu's name of it.

    Raises:
        ValueError: If it cannot be used.
    """
    if tokenizer not in BLEU.TOKENIZERS:
        raise ValueError(
            f"The BLEU tokenizer must be one of {sorted(BLEU.TOKENIZERS)}, but got {tokenizer!r}."
        )
    try:
        BLEU(tokenize=tokenizer)
    except (ImportError, RuntimeError) as error:
        raise ValueError(
            f"The BLEU tokenizer {tokenizer} needs a package that is not installed: pip install"
            f" 'sacrebleu[{tokenizer[:2]}]', or choose `--bleu_tokenizer char`."
        ) from error


def lacks_four_words(result: MetricResult) -> bool:
    """Return True if BLEU is 0 because no hypothesis has four words, whatever they are.

    Args:
        result: The result of `score_bleu`.
    """
    return bool(result.statistics[:, -1].sum() == 0)


def score_bleu(
    references: Sequence[str], hypotheses: Sequence[str], tokenizer: str, lowercase: bool
) -> MetricResult:
    """Compute BLEU of a set.

    Args:
        references: One reference per utterance.
        hypotheses: The hypothesis of each utterance.
        tokenizer: sacrebleu's name of a tokenizer.
        lowercase: Whether case is ignored.

    Returns:
        The score, in [0, 100], and its statistics.

    Raises:
        ValueError: If there is no such tokenizer, or its package is not installed.
        RuntimeError: If our statistics do not yield sacrebleu's score (after a change in
            sacrebleu).
    """
    check_tokenizer(tokenizer)
    metric = BLEU(tokenize=tokenizer, lowercase=lowercase, force=True)
    score = metric.corpus_score(list(hypotheses), [list(references)])
    rows = []
    for reference, hypothesis in zip(references, hypotheses, strict=True):
        one = metric.corpus_score([hypothesis], [[reference]])
        rows.append([one.sys_len, one.ref_len, *one.counts, *one.totals])
    statistics = np.array(rows, dtype=np.float64)
    _check(score.score, bleu(statistics.sum(axis=0)), "BLEU")
    return MetricResult(score.score, str(metric.get_signature()), statistics)


def score_chrf(references: Sequence[str], hypotheses: Sequence[str]) -> MetricResult:
    """Compute chrF2 of a set, case-sensitive, without white space.

    Args:
        references: One reference per utterance.
        hypotheses: The hypothesis of each utterance.

    Returns:
        The score, in [0, 100], and its statistics.

    Raises:
        RuntimeError: If our statistics do not yield sacrebleu's score (after a change in
            sacrebleu).
    """
    metric = CHRF()
    score = metric.corpus_score(list(hypotheses), [list(references)])
    rows = [
        _character_matches(reference, hypothesis)
        for reference, hypothesis in zip(references, hypotheses, strict=True)
    ]
    statistics = np.array(rows, dtype=np.float64)
    _check(score.score, chrf(statistics.sum(axis=0)), "chrF")
    return MetricResult(score.score, str(metric.get_signature()), statistics)


def bleu(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return BLEU of summed statistics, in [0, 100], [..., 10] to [...].

    Args:
        sums: Length of the hypothesis, of the reference, matches of orders 1–4, n-grams of
            orders 1–4.

    Source: Papineni et al. (2002), with sacrebleu's default smoothing (`exp`): the n-th order
    in a row without a match counts as 1/2^n matches.
    """
    lengths, matches, totals = sums[..., :2], sums[..., 2 : 2 + ORDER], sums[..., 2 + ORDER :]
    halvings = np.cumsum(matches == 0, axis=-1)
    smoothed = np.where(matches == 0, 0.5**halvings, matches)
    defined = (matches.sum(axis=-1) > 0) & (totals > 0).all(axis=-1)
    precisions = smoothed / np.maximum(totals, 1.0)
    geometric = np.exp(np.log(precisions).mean(axis=-1))
    ratio = lengths[..., 1] / np.maximum(lengths[..., 0], 1.0)
    brevity = np.exp(np.minimum(0.0, 1.0 - ratio))
    return np.where(defined, 100.0 * brevity * geometric, 0.0)


def chrf(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return chrF2 of summed statistics, in [0, 100], [..., 18] to [...].

    Args:
        sums: For each order 1–6: n-grams of the hypothesis, of the reference, matches.

    Source: Popović (2015), β = 2; orders that a side lacks are left out, as in sacrebleu.
    """
    orders = sums.reshape(*sums.shape[:-1], CHARACTER_ORDER, 3)
    written, wanted, matched = orders[..., 0], orders[..., 1], orders[..., 2]
    present = (written > 0) & (wanted > 0)
    number = np.maximum(present.sum(axis=-1), 1)
    precision = (matched / np.maximum(written, 1.0) * present).sum(axis=-1) / number
    recall = (matched / np.maximum(wanted, 1.0) * present).sum(axis=-1) / number
    below = 4.0 * precision + recall
    score: NDArray[np.float64] = 500.0 * precision * recall / np.where(below > 0, below, 1.0)
    return score


def _character_matches(reference: str, hypothesis: str) -> list[int]:
    row = []
    for written, wanted in zip(
        extract_all_char_ngrams(hypothesis, CHARACTER_ORDER),
        extract_all_char_ngrams(reference, CHARACTER_ORDER),
        strict=True,
    ):
        # sacrebleu does not count n-grams of an order that the reference lacks.
        row += [written.total() if wanted else 0, wanted.total(), (written & wanted).total()]
    return row


def _check(value: float, own: NDArray[np.float64], name: str) -> None:
    if not np.isclose(value, own, atol=1e-6):
        raise RuntimeError(
            f"{name} from per-utterance statistics is {own}, but sacrebleu says {value}; this"
            " release of sacrebleu counts otherwise, so its intervals would be wrong."
        )
