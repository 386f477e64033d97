"""Running means of row norms: what rows are divided by, for the weights only."""

import torch
from torch import Tensor

NORM_MEMORY = 0.01  # the running mean of row norms forgets 1 % per step, once it is warm


def next_norms(
    norms: Tensor, steps: Tensor, rows: Tensor, present: Tensor
) -> tuple[Tensor, Tensor]:
    """Updates the running means: plain means at first, then exponential.

    Args:
        norms: Running means before this step, [m].
        steps: How many steps each of them has seen, [m].
        rows: Rows of this step, [m, n].
        present: Whether the objective has a label in this step, bool [m].

    Returns:
        (running means, steps), both new, [m].
    """
    steps = steps + present.to(steps)
    share = present.to(norms) * (1.0 / steps.clamp(min=1.0)).clamp(min=NORM_MEMORY)
    return norms + share * (rows.norm(dim=1).to(norms) - norms), steps


def row_scales(norms: Tensor) -> Tensor:
    """Gives what each row is divided by: its running mean, or 1 where there is none yet, [m]."""
    return torch.where(norms > 0, norms, torch.ones_like(norms))
