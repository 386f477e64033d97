"""Weights that never move: the static baselines."""

from torch import Tensor

from espnet_soups.weighting.combiner import Combiner, Shown, State, keep_mass


class Static(Combiner):
    """Combiner that keeps the weights it starts with.

    Uniform weights make the paper's joint training without MOO.

    Args:
        weights: A number for each objective of the level, not negative; they are divided by their
            sum, so that only their ratios matter. None for uniform weights.

    Raises:
        ValueError: If a weight is negative, or none is positive.

    >>> import torch
    >>> Static(torch.tensor([3.0, 1.0])).initial(2)
    tensor([0.7500, 0.2500], dtype=torch.float64)
    """

    moves = False
    measures = False

    def __init__(self, weights: Tensor | None = None) -> None:
        if weights is not None and ((weights < 0).any() or weights.sum() <= 0):
            raise ValueError(
                f"`weights` must not be negative, and one positive, but got {weights.tolist()}."
            )
        self.weights = weights

    def initial(self, size: int) -> Tensor:
        """Return the weights of the whole run, [size]; see `Combiner`."""
        uniform = super().initial(size)
        return uniform if self.weights is None else keep_mass(self.weights, uniform)

    def __call__(self, weights: Tensor, shown: Shown, state: State) -> tuple[Tensor, State]:
        """Return the weights unchanged; see `Combiner`."""
        return weights, state


class Constant(Static):
    """`Static` with weights that must be given.

    Args:
        weights: A number for each objective of the level, as in `Static`.
    """

    def __init__(self, weights: Tensor) -> None:
        super().__init__(weights)


class Uniform(Static):
    """`Static` with uniform weights, to which a sum and a mean amount on a level of fixed mass."""

    def __init__(self) -> None:
        super().__init__(None)


class MeasureOnly(Static):
    """`Static` that measures nonetheless, at the cost of any combiner that needs gradients.

    For the record alone: cosines, norms, and how often a step harms an objective, beside those of
    a run whose weights move.
    """

    measures = True
