"""Combiners by name: the only place that knows them all."""

from collections.abc import Mapping
from typing import Any

from espnet_soups.weighting.combiner import Combiner
from espnet_soups.weighting.modo import MoDo
from espnet_soups.weighting.static import Static
from espnet_soups.weighting.torchjd import GRAM_WEIGHTINGS, TorchJD

OURS: Mapping[str, type[Combiner]] = {"modo": MoDo, "static": Static}


def combiner_names() -> list[str]:
    """Lists what `combiner:` may say."""
    return sorted([*OURS, *GRAM_WEIGHTINGS])


def build_combiner(name: str, options: Mapping[str, Any]) -> Combiner:
    """Builds a combiner.

    Args:
        name: One of `combiner_names()`.
        options: Its options (`combiner_conf` in YAML).

    Returns:
        The combiner.

    Raises:
        ValueError: If the name or an option is unknown; the message lists the valid ones.
    """
    if name in GRAM_WEIGHTINGS:
        return TorchJD(name, options)
    if name not in OURS:
        raise ValueError(f"`combiner` must be one of {combiner_names()}, but got {name!r}.")
    try:
        return OURS[name](**options)
    except TypeError as error:
        raise ValueError(f"`combiner_conf` of {name} is not valid: {error}.") from error
