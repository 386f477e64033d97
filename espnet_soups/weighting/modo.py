"""MoDo: weights from two independent batches, which avoids the bias of a single one."""

import math

from torch import Tensor

from espnet_soups.weighting.combiner import Combiner, Shown, State
from espnet_soups.weighting.simplex import project_to_simplex


class MoDo(Combiner):
    """One step of multi-objective gradient with double sampling.

    The step is `w <- P(w - gamma (C w + rho w))`, with the cross Gram `C = G(z1) G(z2)^T` of two
    independent batches and the projection `P` onto the simplex. `gamma` near 0 gives static
    weights, a large one follows MGDA. `gamma` is per optimiser step: where only one step of N is
    measured, N such steps are made with the same C.

    Args:
        gamma: Step size of the weights per optimiser step, not negative.
        rho: Strength of the pull towards uniform weights, not negative.

    Raises:
        ValueError: If `gamma` or `rho` is negative.

    Source:
        Chen, Fernando, Ying and Chen, "Three-way trade-off in multi-objective learning", JMLR 2024,
        eq. 2.9; the tests compare with `torchjd.aggregation.MoDoWeighting`, which hides its
        weights; here they are an argument, so that a run can resume.

    >>> import torch
    >>> shown = Shown(gram=torch.tensor([[1.0, 0.0], [0.0, 0.2]]), losses=torch.zeros(2))
    >>> MoDo(gamma=0.5)(torch.tensor([0.5, 0.5]), shown, {})[0]
    tensor([0.4000, 0.6000])
    """

    def __init__(self, gamma: float = 0.01, rho: float = 0.0) -> None:
        for name, value in (("gamma", gamma), ("rho", rho)):
            if not 0 <= value < math.inf:
                raise ValueError(
                    f"`{name}` of MoDo must be a number that is not negative, but got {value}."
                )
        self.gamma = gamma
        self.rho = rho

    def __call__(self, weights: Tensor, shown: Shown, state: State) -> tuple[Tensor, State]:
        """Return the next weights; see `Combiner`."""
        mass, moved = float(weights.sum()), weights
        for _ in range(shown.steps):
            direction = shown.gram @ moved + self.rho * moved
            moved = project_to_simplex(moved - self.gamma * direction, mass)
        return moved, state
