"""FAMO: equal rates of decrease of all losses, from the losses alone."""

import torch
from torch import Tensor

from espnet_soups.weighting.combiner import Combiner, Shown, State, keep_mass

EPSILON = 1e-8


class FAMO(Combiner):
    """Fast Adaptive Multitask Optimization, one step late.

    The logits `w` move by Adam along `log l(before) - log l(after)`, and the weights are
    `softmax(w)_k / l_k`, scaled. The paper evaluates the losses a second time, after the step on
    the same batch; we take those of the next optimiser step, on its own batch. This costs nothing,
    but the difference between the batches comes in as noise: a smaller `lr` evens it out.

    Args:
        lr: Learning rate of the logits.
        weight_decay: Weight decay of the logits.

    Raises:
        ValueError: If `lr` or `weight_decay` is negative.

    Source:
        Liu, Feng, Stone and Liu, "FAMO", NeurIPS 2023, algorithm 2; the tests compare with
        `torchjd.scalarization.FAMO`, whose state dict lacks its Adam.
    """

    measures = False
    needs_losses = True
    remembers = True
    complete = True

    def __init__(self, lr: float = 0.025, weight_decay: float = 1e-3) -> None:
        for name, value in (("lr", lr), ("weight_decay", weight_decay)):
            if value < 0:
                raise ValueError(f"`{name}` of famo must not be negative, but got {value}.")
        self.lr = lr
        self.weight_decay = weight_decay

    def __call__(self, weights: Tensor, shown: Shown, state: State) -> tuple[Tensor, State]:
        """Return the next weights; see `Combiner`."""
        losses = shown.losses.detach().to("cpu", torch.float64)
        nothing = torch.zeros_like(losses)
        logits = state.get("logits", nothing)
        momentum = {
            "exp_avg": state.get("exp_avg", nothing),
            "exp_avg_sq": state.get("exp_avg_sq", nothing),
            "step": state.get("step", torch.tensor(0.0)),
        }
        if "losses" in state:
            fall = torch.log(state["losses"] + EPSILON) - torch.log(losses + EPSILON)
            share = torch.softmax(logits, dim=0)
            slope = share * (fall - share @ fall)  # of softmax(w) . fall
            logits, momentum = self._adam(logits, slope, momentum)
        proposed = torch.softmax(logits, dim=0) / (losses + EPSILON)
        return keep_mass(proposed, weights), {"logits": logits, "losses": losses, **momentum}

    def _adam(
        self, logits: Tensor, slope: Tensor, momentum: dict[str, Tensor]
    ) -> tuple[Tensor, dict[str, Tensor]]:
        parameter = torch.nn.Parameter(logits.clone())
        adam = torch.optim.Adam([parameter], lr=self.lr, weight_decay=self.weight_decay)
        adam.state[parameter] = {name: value.clone() for name, value in momentum.items()}
        parameter.grad = slope
        adam.step()
        return parameter.detach(), dict(adam.state[parameter])
