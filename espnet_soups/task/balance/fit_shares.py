"""Find limits per language that give the wanted shares, in mini-batches of whole utterances."""

import math
from collections.abc import Callable, Mapping

TURNS = 12  # each cuts all data anew; the first three bring most of the gain
CLOSE_ENOUGH = 0.01


def fit_shares(
    asked: Mapping[str, float],
    size: float,
    reached: Callable[[Mapping[str, float]], Mapping[str, float]],
) -> dict[str, float]:
    """Divide the size of a mini-batch among languages.

    A mini-batch is filled with whole utterances, and so falls short of its limit, more so if they
    are long or the share is small. Each turn corrects the limits by the shares that they gave.

    Args:
        asked: Wanted share of each language; they sum to 1.
        size: Size of a whole mini-batch.
        reached: Function that returns the shares that limits give.

    Returns:
        The limits of the best turn, per language; they sum to `size`.
    """
    limits = {name: size * share for name, share in asked.items()}
    best, least = limits, math.inf
    for _ in range(TURNS):
        found = reached(limits)
        ratios = {name: asked[name] / found[name] for name in asked}
        error = max(abs(math.log(ratio)) for ratio in ratios.values())
        if error < least:
            best, least = limits, error
        if error < CLOSE_ENOUGH:
            break
        moved = {name: limits[name] * ratios[name] for name in asked}
        limits = {name: size * value / sum(moved.values()) for name, value in moved.items()}
    return best


def missed_shares(asked: Mapping[str, float], found: Mapping[str, float]) -> list[str]:
    """Return the languages whose share is more than a tenth off.

    Args:
        asked: Wanted share of each language.
        found: Actual share of each language.

    >>> missed_shares({"fr": 0.95, "it": 0.05}, {"fr": 0.9, "it": 0.1})
    ['it']
    """
    return [name for name, share in asked.items() if abs(found[name] / share - 1.0) > 0.1]
