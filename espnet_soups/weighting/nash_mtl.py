"""Nash-MTL: weights as the solution of a bargaining game, from the Gram matrix alone."""

import torch
from torch import Tensor

from espnet_soups.weighting.combiner import Combiner, Shown, State, keep_mass

MAX_STEPS = 200
DECREMENT = 1e-10


class NashMTL(Combiner):
    """Combiner that solves `G a = 1 / a` (elementwise) for a > 0.

    The paper solves it by a sequence of convex programs on the rows; but it is the stationarity of
    `a^T G a / 2 - sum(log(a))`, which is strictly convex and self-concordant, so that Newton's
    method with damped steps finds the one solution from the Gram matrix alone. The paper's
    update interval and clipping of the step are left out: our weights are scaled to the level.

    Args:
        eps: Share of the mean diagonal that is added to the diagonal. Without it, objectives that
            cancel out exactly would have no finite solution.

    Raises:
        ValueError: If `eps` is not positive.

    Source:
        Navon et al., "Multi-Task Learning as a Bargaining Game", ICML 2022, section 3.

    >>> shown = Shown(gram=torch.tensor([[4.0, 0.0], [0.0, 1.0]]), losses=torch.zeros(2))
    >>> NashMTL(eps=1e-9)(torch.tensor([0.5, 0.5]), shown, {})[0]
    tensor([0.3333, 0.6667])
    """

    symmetric = True

    def __init__(self, eps: float = 1e-4) -> None:
        if not eps > 0:
            raise ValueError(f"`eps` of nash_mtl must be positive, but got {eps}.")
        self.eps = eps

    def __call__(self, weights: Tensor, shown: Shown, state: State) -> tuple[Tensor, State]:
        """Return the next weights; see `Combiner`."""
        gram = shown.gram.detach().to("cpu", torch.float64)
        values, vectors = torch.linalg.eigh(gram)
        gram = (vectors * values.clamp(min=0)) @ vectors.T
        scale = gram.diagonal().mean()
        if scale == 0:
            return weights, state
        gram = gram / scale + self.eps * torch.eye(len(gram), dtype=gram.dtype)
        return keep_mass(solve_bargain(gram), weights), state


def solve_bargain(gram: Tensor) -> Tensor:
    """Return the solution a > 0 of `G a = 1 / a` (elementwise), [m].

    Args:
        gram: G, positive definite, [m, m].

    Raises:
        ValueError: If Newton's method does not converge, which theory excludes.
    """
    solution = gram.diagonal().rsqrt()
    for _ in range(MAX_STEPS):
        slope = gram @ solution - 1 / solution
        hessian = gram + torch.diag(solution**-2)
        step = torch.linalg.solve(hessian, slope)
        decrement = (slope @ step).clamp(min=0).sqrt()
        if decrement < DECREMENT:
            return solution
        # Nesterov and Nemirovski: this damping stays inside the domain and always descends.
        solution = solution - step / (1 + decrement if decrement > 0.25 else 1)
    raise ValueError(f"nash_mtl found no solution for the Gram matrix {gram.tolist()}.")
