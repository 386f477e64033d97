"""Running mean squares of gradients without the noise of their batches."""

from dataclasses import dataclass

import torch
from torch import Tensor

# Optimiser steps after which a measurement has lost two thirds of its weight. Losses of speech
# models halve within a few hundred steps, so the mean must follow gradients as they shrink.
MEMORY = 64
# Lower limit of a mean square, as a share of signal and noise together: products of two halves
# can come out near 0 or negative by chance.
FLOOR = 0.05


@dataclass(frozen=True)
class RunningSignal:
    """Running means of `<g(z1), g(z2)>` (signal) and of `|g(z)|^2` (signal and noise).

    Attributes:
        signal: Running mean of the products of two independent halves, [k].
        power: Running mean of the squared norm of a half, [k].
        steps: Optimiser steps that each has seen; at 0 the next measurement replaces it, [k].
        waiting: Optimiser steps since the last measurement of each, [k].

    >>> running = RunningSignal.unknown(1)
    >>> one, yes = torch.ones(1, dtype=torch.float64), torch.tensor([True])
    >>> running.after(4 * one, 9 * one, yes, elapsed=1).mean_square()
    tensor([4.], dtype=torch.float64)
    """

    signal: Tensor
    power: Tensor
    steps: Tensor
    waiting: Tensor

    @staticmethod
    def unknown(size: int) -> "RunningSignal":
        """Return means before any measurement.

        Args:
            size: Number of means, k.
        """
        return RunningSignal(*torch.zeros(4, size, dtype=torch.float64).unbind())

    def after(self, signal: Tensor, power: Tensor, known: Tensor, elapsed: int) -> "RunningSignal":
        """Return the means after a measurement: plain ones at first, then exponential.

        Args:
            signal: Products of two independent halves, [k].
            power: Mean squared norm of a half, [k].
            known: Whether both halves have one, bool [k].
            elapsed: Optimiser steps since the measurement before, of any of them.
        """
        waiting = self.waiting + elapsed
        steps = self.steps + waiting * known
        forgotten = 1.0 - (1.0 - 1.0 / MEMORY) ** waiting
        share = known * torch.maximum(waiting / steps.clamp(min=1.0), forgotten)
        return RunningSignal(
            self.signal + share * (torch.where(known, signal, self.signal) - self.signal),
            self.power + share * (torch.where(known, power, self.power) - self.power),
            steps,
            torch.where(known, torch.zeros_like(waiting), waiting),
        )

    def restarted(self) -> "RunningSignal":
        """Return the same means, to be replaced by the next measurement, of other layers."""
        nothing = torch.zeros_like(self.steps)
        return RunningSignal(self.signal, self.power, nothing, nothing)

    def mean_square(self) -> Tensor:
        """Return the mean squares, never below `FLOOR` of the power; 0 if unknown, [k]."""
        return torch.maximum(self.signal, FLOOR * self.power)

    def state(self) -> dict[str, Tensor]:
        """Return the state that a checkpoint needs."""
        return dict(vars(self))

    @staticmethod
    def restored(state: dict[str, Tensor]) -> "RunningSignal":
        """Return the means of a state; ESPnet loads checkpoints onto the GPU.

        Args:
            state: What `state` returned, on any device.
        """
        return RunningSignal(**{name: value.to("cpu", copy=True) for name, value in state.items()})


def divide_by_norms(factors: Tensor, norms: RunningSignal) -> Tensor:
    """Divide the factor of each gradient by its norm, and keep the sum of the lengths.

    Args:
        factors: The factor of each gradient without this division, [m].
        norms: Running mean squares of the gradients; one that is not known yet keeps its factor.

    Returns:
        The new factors: where all are known, `f_k n / n_k` with the mean norm `n = sum |f_j| n_j
        / sum |f_j|`, [m].

    >>> one = torch.ones(2, dtype=torch.float64)
    >>> norms = RunningSignal(torch.tensor([4.0, 16.0]).double(), one, one, one)
    >>> divide_by_norms(one, norms)  # norms 2 and 4, their mean is 3
    tensor([1.5000, 0.7500], dtype=torch.float64)
    """
    own = norms.mean_square().sqrt()
    known = own > 0
    sizes = factors.abs() * known
    if sizes.sum() == 0:
        return factors
    mean = (sizes * own).sum() / sizes.sum()
    return torch.where(known, factors * mean / own.where(known, torch.ones_like(own)), factors)
