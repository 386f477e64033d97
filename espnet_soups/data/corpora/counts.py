"""Compare the sizes of a prepared corpus with the official ones."""

import logging
from collections.abc import Mapping


def check_counts(
    corpus: str, found: Mapping[str, int], official: Mapping[str, int], why: str
) -> list[str]:
    """Warn of every set whose size is not the official one.

    Args:
        corpus: Name of the corpus.
        found: Set to its number of utterances.
        official: Set to the official number; sets that it lacks are not compared.
        why: Sentence on what may cause a difference, and what it means.

    Returns:
        The warnings, which are logged too.
    """
    warnings = [
        f"{corpus}, {name}: {number:,} utterances, but officially {official[name]:,}"
        f" ({number - official[name]:+,}). {why}"
        for name, number in found.items()
        if name in official and number != official[name]
    ]
    for warning in warnings:
        logging.warning(warning)
    return warnings
