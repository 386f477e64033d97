"""The metric in which AdamW makes its step, read from its second moments."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import Parameter


class AdamMetric:
    """Metric of the inner products of gradients as Adam scales them.

    Adam steps along `P^-1 d` with `P = sqrt(v) + eps`, so that the slope of an objective along the
    step is `<g_k, P^-1 d>`. Weights that are solved with `<g_i, P^-1 g_j>` raise no objective on
    the *step*, to first order; the Euclidean ones promise that for plain gradient descent alone.
    Momentum, weight decay and learning rates of single groups are left out: the backbone has one
    rate.

    Args:
        optimizer: Adam or AdamW.

    Raises:
        ValueError: If the optimiser has no second moments.
    """

    def __init__(self, optimizer: torch.optim.Optimizer) -> None:
        if not isinstance(optimizer, torch.optim.Adam):
            raise ValueError(
                "`metric: adam` reads the second moments of `optim: adam` or `adamw`, but the"
                f" optimiser is {type(optimizer).__name__}. Use one of them, or `metric:"
                " euclidean`."
            )
        self.optimizer = optimizer

    def is_ready(self, parameters: Sequence[Parameter]) -> bool:
        """Return True if there are second moments, as after the first step.

        Args:
            parameters: The measured parameters.
        """
        return any(self.optimizer.state.get(parameter) for parameter in parameters)

    def read(self, parameters: Sequence[Parameter]) -> Tensor:
        """Return `1 / (sqrt(v) + eps)` of every number; 0 where there is no moment, [n].

        Args:
            parameters: The measured parameters, n numbers in all.
        """
        groups = {id(p): group for group in self.optimizer.param_groups for p in group["params"]}
        parts = []
        for parameter in parameters:
            state, group = self.optimizer.state.get(parameter), groups[id(parameter)]
            if not state:
                parts.append(torch.zeros_like(parameter).flatten())
                continue
            moment = state["max_exp_avg_sq" if group["amsgrad"] else "exp_avg_sq"]
            correction = 1.0 - group["betas"][1] ** state["step"]  # a tensor: no wait for the GPU
            parts.append(1.0 / ((moment / correction).sqrt() + group["eps"]).flatten())
        return torch.cat(parts)
