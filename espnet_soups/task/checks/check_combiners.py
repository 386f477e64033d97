"""Check that combiners that compare losses get losses above zero."""

from collections.abc import Mapping, Sequence

from espnet_soups.objectives.heads.head import Head
from espnet_soups.weighting.registry import combiner_needs


def check_combiners(combiner: str | Sequence[str], heads: Mapping[str, Head]) -> None:
    """Refuse combiners that compare losses if a loss may be negative.

    Args:
        combiner: Name of the combiner, or one per level; all of them known.
        heads: The head of each objective, by name.

    Raises:
        ValueError: If such a combiner meets such a loss.
    """
    signed = [name for name, head in heads.items() if head.signed]
    for name in [combiner] if isinstance(combiner, str) else combiner:
        if signed and combiner_needs(name) == "losses":
            raise ValueError(
                f"`combiner: {name}` compares losses, but that of {signed[0]} may be negative: use"
                " a combiner of gradients or static weights (docs/combiners.md)."
            )
