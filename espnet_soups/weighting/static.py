"""Weights that stay where they are: the static baseline."""

from torch import Tensor

from espnet_soups.weighting.combiner import Combiner


class Static(Combiner):
    """Keeps the weights: uniform ones make the paper's joint training without MOO."""

    measures = False

    def __call__(self, weights: Tensor, gram: Tensor) -> Tensor:
        """Gives the weights back unchanged."""
        return weights
