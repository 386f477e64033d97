"""DWA: objectives whose losses fall slowly get more weight."""

import torch
from torch import Tensor

from espnet_soups.weighting.combiner import Combiner, Shown, State, keep_mass


class DWA(Combiner):
    """Dynamic Weight Average: weights move once per epoch, by the ratio of its last two losses.

    `w_k ~ exp(r_k / T)`, where `r_k` is the mean loss of the last epoch over that of the epoch
    before. In the first two epochs they are uniform. The change of an epoch comes with its first
    optimiser step.

    Args:
        temperature: T, positive; a larger one makes weights more uniform.

    Raises:
        ValueError: If `temperature` is not positive.

    Source:
        Liu, Johns and Davison, "End-to-End Multi-Task Learning with Attention", CVPR 2019, eq. 7;
        the tests compare with `torchjd.scalarization.DWA`, which hides its history, so that a run
        with it cannot resume.
    """

    measures = False
    needs_losses = True
    remembers = True
    complete = True

    def __init__(self, temperature: float = 2.0) -> None:
        if not temperature > 0:
            raise ValueError(f"`temperature` of dwa must be positive, but got {temperature}.")
        self.temperature = temperature

    def __call__(self, weights: Tensor, shown: Shown, state: State) -> tuple[Tensor, State]:
        """Return the next weights; see `Combiner`."""
        losses = shown.losses.detach().to("cpu", torch.float64)
        if not state:
            unknown = torch.full_like(losses, torch.nan)
            state = _history(torch.zeros_like(losses), 0, shown.epoch, unknown, unknown)
        if int(state["epoch"]) < shown.epoch:
            mean = state["total"] / state["steps"]
            state = _history(torch.zeros_like(losses), 0, shown.epoch, mean, state["last"])
        rates = state["last"] / state["before"]
        proposed = torch.ones_like(losses)
        if torch.isfinite(rates).all():
            proposed = torch.softmax(rates / self.temperature, dim=0)
        total, steps = state["total"] + losses, int(state["steps"]) + 1
        state = _history(total, steps, shown.epoch, state["last"], state["before"])
        return keep_mass(proposed, weights), state


def _history(total: Tensor, steps: int, epoch: int, last: Tensor, before: Tensor) -> State:
    return {
        "total": total,
        "steps": torch.tensor(steps),
        "epoch": torch.tensor(epoch),
        "last": last,
        "before": before,
    }
