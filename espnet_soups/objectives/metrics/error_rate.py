"""Word, character and sentence error rates by jiwer, with the counts of each utterance."""

from collections.abc import Sequence
from dataclasses import dataclass

import jiwer
import numpy as np
from jiwer import AlignmentChunk
from numpy.typing import NDArray

from espnet_soups.objectives.language_codes import writes_spaces

COUNTS = ("hits", "substitutions", "deletions", "insertions")


@dataclass(frozen=True)
class ErrorCounts:
    """Differences between texts and their references.

    Attributes:
        references: Units (words or characters) of each reference.
        hypotheses: Units of each hypothesis.
        alignments: jiwer's alignment of each utterance.
        counts: Hits, substitutions, deletions, insertions of each utterance, [n, 4].
    """

    references: list[list[str]]
    hypotheses: list[list[str]]
    alignments: list[list[AlignmentChunk]]
    counts: NDArray[np.float64]

    @property
    def errors(self) -> NDArray[np.float64]:
        """Number of errors of each utterance, [n]."""
        result: NDArray[np.float64] = self.counts[:, 1:].sum(axis=1)
        return result


def has_words(language: str) -> bool:
    """Return True if a language has spaces between words, which makes a WER meaningful.

    Args:
        language: Code of the language.

    >>> has_words("fr"), has_words("zh-CN"), has_words("cmn_hans_cn"), has_words("th")
    (True, False, False, False)
    """
    return writes_spaces(language)


def count_word_errors(references: Sequence[str], hypotheses: Sequence[str]) -> ErrorCounts:
    """Align words, and count errors.

    Args:
        references: The correct texts; none is empty.
        hypotheses: The texts to score; an empty one counts every word as deleted.
    """
    return _counts(jiwer.process_words(list(references), list(hypotheses)))


def count_character_errors(
    references: Sequence[str], hypotheses: Sequence[str], spaces: bool = True
) -> ErrorCounts:
    """Align characters, and count errors.

    Args:
        references: The correct texts; none is empty.
        hypotheses: The texts to score.
        spaces: Whether a space counts as a character, as in jiwer; False for languages without
            spaces (Chinese, Japanese), where only a tokenizer may have added them.
    """
    if not spaces:
        references = ["".join(text.split()) for text in references]
        hypotheses = ["".join(text.split()) for text in hypotheses]
    return _counts(jiwer.process_characters(list(references), list(hypotheses)))


def error_rate(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the error rate in percent from summed counts, [..., 4] to [...].

    Args:
        counts: Hits, substitutions, deletions and insertions, [..., 4].

    >>> float(error_rate(np.array([8.0, 1.0, 1.0, 2.0])))
    40.0
    """
    rate: NDArray[np.float64] = 100.0 * counts[..., 1:].sum(axis=-1) / counts[..., :3].sum(axis=-1)
    return rate


def _counts(output: jiwer.WordOutput | jiwer.CharacterOutput) -> ErrorCounts:
    kinds = {"equal": 0, "substitute": 1, "delete": 2, "insert": 3}
    counts = np.zeros((len(output.references), len(COUNTS)))
    for row, chunks in zip(counts, output.alignments, strict=True):
        for chunk in chunks:
            length = max(
                chunk.ref_end_idx - chunk.ref_start_idx, chunk.hyp_end_idx - chunk.hyp_start_idx
            )
            row[kinds[chunk.type]] += length
    return ErrorCounts(output.references, output.hypotheses, output.alignments, counts)
