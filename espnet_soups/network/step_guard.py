"""Count of the steps that ESPnet skips, with the objectives that caused it."""

import logging
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from espnet_soups.gradients.watch import GradientWatch
from espnet_soups.ranks import sum_over_ranks


class StepGuard:
    """Guard of the optimiser: a window of mini-batches that ends without a step was skipped.

    ESPnet skips a step whose gradient norm is not finite. All ranks have the same averaged
    gradient, so they skip together, and agree on the objectives by one sum over the ranks. A loss
    that is not finite is blamed before any gradient, since it spoils the gradients of all.

    Args:
        names: Names of the objectives, in order.

    Attributes:
        skipped: Steps of this epoch that were skipped.
        watch: The watch of the gradients.
    """

    skipped: int
    _finite_losses: Tensor

    def __init__(self, names: list[str]) -> None:
        self.names = list(names)
        self.watch = GradientWatch(len(names))
        self.accum_grad = 0  # 0: no epoch has been opened, so nothing is counted
        self._forget_epoch()

    def bind(self, optimizer: torch.optim.Optimizer) -> None:
        """Tie the guard to the optimiser whose steps it follows.

        Args:
            optimizer: The optimiser of the training.
        """
        optimizer.register_step_post_hook(lambda *_: self._forget_window())

    def open_epoch(self, accum_grad: int) -> None:
        """Forget all counts, as at the start of an epoch.

        Args:
            accum_grad: Mini-batches per optimiser step.
        """
        self.accum_grad = accum_grad
        self._forget_epoch()

    def begin_batch(self, device: torch.device) -> None:
        """Open a mini-batch of training; if the step before it was skipped, log the reason.

        Args:
            device: Device on which ranks communicate.
        """
        self._count_skipped(device)
        self._micro_batches += 1

    def close_epoch(self, device: torch.device) -> None:
        """Count the last step of the epoch if it was skipped.

        Args:
            device: Device on which ranks communicate.
        """
        self._count_skipped(device)
        self._forget_window()

    def epoch_state(self, device: torch.device) -> dict[str, Any]:
        """Return the counts since the epoch was opened, after a complete or a skipped step.

        Args:
            device: Device on which ranks communicate.
        """
        self._count_skipped(device)
        return {"skipped": self.skipped, "blamed": dict(self._blamed)}

    def restore_epoch(self, state: Mapping[str, Any]) -> None:
        """Restore the counts of an epoch.

        Args:
            state: What `epoch_state` returned.
        """
        self.skipped, self._blamed = state["skipped"], dict(state["blamed"])

    def see_losses(self, finite: Tensor) -> None:
        """Note which losses of a mini-batch are finite on all ranks.

        Args:
            finite: True where the loss of an objective is finite, bool [m], on the CPU.
        """
        self._finite_losses = self._finite_losses & finite

    @property
    def not_finite(self) -> dict[str, int]:
        """Number of skipped steps that each objective caused; those without any are left out."""
        return {name: count for name, count in self._blamed.items() if count}

    def describe(self) -> str:
        """Return the number of skipped steps and who is to blame, e.g. `3 (st_fr_en: 3)`."""
        blamed = ", ".join(f"{name}: {count}" for name, count in self.not_finite.items())
        return f"{self.skipped} ({blamed or 'no objective alone is to blame'})"

    def _count_skipped(self, device: torch.device) -> None:
        if self.accum_grad == 0 or self._micro_batches < self.accum_grad:
            return
        self.skipped += 1
        kind, broken = "loss", ~self._finite_losses
        if not broken.any():
            kind, broken = "gradient", sum_over_ranks(self.watch.broken(device)).cpu() > 0
        named = [name for name, one in zip(self.names, broken.tolist(), strict=True) if one]
        for name in named:
            self._blamed[name] += 1
        logging.warning(
            f"The step was skipped: the {kind} of {', '.join(named)} is not finite."
            if named
            else "The step was skipped: the gradient is not finite, though every loss is, and so is"
            " what each objective sends into the encoder."
        )
        self._forget_window()

    def _forget_epoch(self) -> None:
        self.skipped = 0
        self._blamed = dict.fromkeys(self.names, 0)
        self._forget_window()

    def _forget_window(self) -> None:
        self._micro_batches = 0
        self._finite_losses = torch.ones(len(self.names), dtype=torch.bool)
        self.watch.forget()
