"""Statistics of the measured steps of an epoch: cosines, norms, noise, raised objectives."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from espnet_soups.gradients.products import HalfProducts

DISTINGUISHABLE = 2.0  # standard errors that a mean square must be above 0


class GradientMeans:
    """Sums of the products of every measured step.

    Cosines and norms come from products of different halves alone, so that the noise of the
    batches does not enter: `C_ij / sqrt(C_ii C_jj)` of the sums, not a mean of noisy cosines.

    Args:
        size: Number of objectives.

    >>> means = GradientMeans(2)
    >>> gram = torch.tensor([[4.0, -2.0], [-2.0, 4.0]], dtype=torch.float64)
    >>> both = torch.tensor([True, True])
    >>> means.add(HalfProducts(gram, 2 * gram, 2 * gram), both, torch.tensor([1.0, 0.2]).double())
    >>> means.add(HalfProducts(gram, 2 * gram, 2 * gram), both, torch.tensor([0.5, 0.5]).double())
    >>> means.cosines()[0, 1].item(), means.signal_shares().tolist()
    (-0.5, [0.5, 0.5])
    >>> means.raised().tolist(), means.raised_any()  # 1.0 * -2 + 0.2 * 4 < 0 in the first step
    ([0.0, 0.5], 0.5)
    """

    def __init__(self, size: int) -> None:
        self.measured = 0
        self._products = torch.zeros(size, size, dtype=torch.float64)
        self._squares = torch.zeros(size, dtype=torch.float64)
        self._power = torch.zeros(size, dtype=torch.float64)
        self._raised = torch.zeros(size, dtype=torch.float64)
        self._raised_any = 0.0
        self._counts = torch.zeros(size, size, dtype=torch.long)

    def add(self, products: HalfProducts, both: Tensor, multipliers: Tensor) -> None:
        """Add a step.

        Args:
            products: Its products; those of an objective that one half lacks are 0.
            both: Whether both halves have a label of the objective, bool [m].
            multipliers: The factor by which the step multiplied each gradient, [m].
        """
        self.measured += 1
        symmetric = products.symmetric
        self._products += symmetric
        self._squares += symmetric.diagonal() ** 2
        self._power += torch.where(both, products.power, torch.zeros_like(products.power))
        self._counts += torch.outer(both, both)
        # The step made on one half, seen by the other half, both ways.
        slopes = torch.stack([products.cross @ multipliers, products.cross.T @ multipliers])
        raised = (slopes < 0) & both
        self._raised += raised.double().mean(dim=0)
        self._raised_any += raised.any(dim=1).double().mean().item()

    def state(self) -> dict[str, Any]:
        """Return the state that a checkpoint inside an epoch needs."""
        return dict(vars(self))

    def restore(self, state: Mapping[str, Any]) -> None:
        """Restore a state.

        Args:
            state: What `state` returned; its tensors are on the CPU.
        """
        vars(self).update(state)

    def cosines(self) -> Tensor:
        """Return the cosine of every pair; NaN where a norm is unknown, [m, m]."""
        norms = self.norms()
        return self._products / self._counts / torch.outer(norms, norms)

    def mean_squares(self) -> Tensor:
        """Return the mean square of every gradient, which can be negative by chance, [m]."""
        return self._products.diagonal() / self.steps().diagonal()

    def norms(self) -> Tensor:
        """Return the norm of every gradient; NaN where it cannot be told from 0, [m]."""
        counts, mean = self.steps().diagonal().double(), self.mean_squares()
        variance = (self._squares / counts - mean**2).clamp(min=0) / (counts - 1).clamp(min=1)
        clear = (mean > 0) & (mean >= DISTINGUISHABLE * variance.sqrt())
        return torch.where(clear, mean, torch.full_like(mean, torch.nan)).sqrt()

    def signal_shares(self) -> Tensor:
        """Return the share of signal in the squared norm of a half; NaN if never measured, [m]."""
        return self._products.diagonal() / self._power

    def raised(self) -> Tensor:
        """Return the share of steps on one half that raised each objective on the other, [m]."""
        return self._raised / self.steps().diagonal()

    def raised_any(self) -> float:
        """Return the share of steps on one half that raised some objective on the other."""
        return self._raised_any / self.measured if self.measured else torch.nan

    def steps(self) -> Tensor:
        """Return the number of steps on which every pair was measured, long [m, m]."""
        return self._counts
