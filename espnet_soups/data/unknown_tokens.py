"""Measure how much of a set's labels a token list cannot spell: it would be learnt as `<unk>`."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from espnet_soups.data.label_text import WORD_BEGINS

REFUSED = 0.5  # share of unknown tokens above which labels are useless
WARNED = 0.03
EXAMPLES = 8

ToTokens = Callable[[str], Sequence[str]]


@dataclass(frozen=True)
class UnknownCount:
    """Counts of characters in the labels of one objective, without white space.

    Attributes:
        labels: Number of labels.
        letters: Number of their characters.
        unknown: Number of these in tokens that the list lacks.
        mostly: Ids of labels of which more than half is unknown.
        examples: The unknown tokens, with how often each occurs.
    """

    labels: int
    letters: int
    unknown: int
    mostly: list[str] = field(default_factory=list)
    examples: Counter[str] = field(default_factory=Counter)


def count_unknown(
    labels: Mapping[str, str], to_tokens: ToTokens, known: Collection[str]
) -> UnknownCount:
    """Count the characters that a list cannot spell.

    Args:
        labels: Utterance id to label, without those that are missing.
        to_tokens: Function that cuts a label into tokens.
        known: The token list.

    Returns:
        The counts.

    >>> count_unknown({"a": "ab", "b": "xyz"}, list, {"a", "b"}).mostly
    ['b']
    """
    letters, unknown, mostly = 0, 0, []
    examples: Counter[str] = Counter()
    for key, text in labels.items():
        # sentencepiece makes one token of a whole unknown word
        sizes = [
            (token, len(token.strip(WORD_BEGINS)), token in known) for token in to_tokens(text)
        ]
        strange = sum(size for _, size, is_known in sizes if not is_known)
        size = len("".join(text.split()))
        letters, unknown = letters + size, unknown + strange
        examples.update(token.strip(WORD_BEGINS) for token, _, is_known in sizes if not is_known)
        if 2 * strange > size:
            mostly.append(key)
    return UnknownCount(len(labels), letters, unknown, mostly, examples)


def judge_unknown(count: UnknownCount, labels: str, token_list: str) -> str | None:
    """Judge labels that a token list cannot spell.

    Args:
        count: The counts.
        labels: How the message names the labels, e.g. `dump/dev/text (en)`.
        token_list: How it names the list.

    Returns:
        A warning if more than a few percent of the characters, or most of a single label, are
        unknown; None: neither is.

    Raises:
        ValueError: If more than half of the characters are unknown.
    """
    share = count.unknown / max(count.letters, 1)
    if share <= WARNED and not count.mostly:
        return None
    shown = ", ".join(repr(token) for token, _ in count.examples.most_common(EXAMPLES))
    finding = (
        f"{labels}: {count.unknown:,} of {count.letters:,} characters ({share:.1%}) cannot be"
        f" spelt with {token_list} and become `<unk>`, such as {shown}"
    )
    if share > REFUSED:
        raise ValueError(
            f"{finding}; make the list of labels of this language and script, or correct the"
            " labels."
        )
    if count.mostly:
        first = ", ".join(count.mostly[:3])
        finding += f"; {len(count.mostly):,} of {count.labels:,} labels are mostly so ({first})"
    return f"{finding}."
