"""In which layers objectives conflict, with intervals and without the noise of the batches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from scipy import stats
from torch import Tensor

from espnet_soups.gradients.layers import Columns
from espnet_soups.gradients.products import layer_products


@dataclass(frozen=True)
class Estimate:
    """One cosine per layer; NaN: no pair of objectives has norms that can be told from 0.

    Attributes:
        value: The estimate, [L].
        low: Lower end of its interval, [L].
        high: Upper end of its interval, [L].
    """

    value: Tensor
    low: Tensor
    high: Tensor


class LayerConflict:
    """Keeps the products of every layer on the steps of a selection.

    The cosine of a pair is `C_ij / sqrt(C_ii C_jj)`, with sums over the steps of products of two
    independent halves: neither the noise of a batch nor that which recognition and translation of
    one language share enters. Intervals are a jackknife over the steps. A pair takes part if the
    mean squares of both its objectives are above 0 by their own intervals.

    Args:
        layers: The layers, as columns of a row.
        size: Number of objectives.
    """

    def __init__(self, layers: Sequence[Columns], size: int) -> None:
        self.layers = list(layers)
        self.size = size
        self.reset()

    def reset(self) -> None:
        """Forget all steps."""
        self._products: list[Tensor] = []

    @property
    def steps(self) -> int:
        """How many steps were added."""
        return len(self._products)

    def add(self, first: Tensor, second: Tensor) -> None:
        """Add the rows of two independent halves of a step, on all shared parameters, [m, n]."""
        spans = [(layer.start, layer.stop) for layer in self.layers]
        self._products.append(layer_products(first, second, spans))

    def cosines(self) -> Tensor:
        """Return the cosine of every layer and pair; NaN: not known, [L, m, m]."""
        return _cosines(torch.stack(self._products).sum(dim=0))

    def conflict(self, statistic: str, confidence: float) -> Estimate:
        """Estimate how much each layer conflicts.

        Args:
            statistic: `mean` over all pairs, or the `worst` pair: that whose interval, corrected
                for the number of pairs (Bonferroni), ends lowest.
            confidence: Of the interval, e.g. 0.95.

        Returns:
            The estimate of each layer.
        """
        products = torch.stack(self._products)  # [S, L, m, m]
        upper = torch.ones(self.size, self.size, dtype=torch.bool).triu(1)
        known = self._clear(products, confidence)
        pairs = (known.unsqueeze(2) & known.unsqueeze(1))[:, upper]  # [L, pairs]
        total = products.sum(dim=0)
        whole = _cosines(total)[:, upper]
        left_out = _cosines(total - products)[..., upper]  # [S, L, pairs]
        pairs = pairs & torch.isfinite(whole) & torch.isfinite(left_out).all(dim=0)
        tail = (1 - confidence) / 2
        if statistic == "mean":
            value, spread = whole.where(pairs, torch.nan).nanmean(dim=1), left_out
            half = _half_width(spread.where(pairs, torch.nan).nanmean(dim=2), tail)
            return Estimate(value, value - half, value + half)
        half = _half_width(left_out, tail / max(1, int(upper.sum())))
        ends = (whole + half).where(pairs, torch.inf)
        worst = ends.argmin(dim=1, keepdim=True)
        value, width = whole.gather(1, worst)[:, 0], half.gather(1, worst)[:, 0]
        value = value.where(pairs.any(dim=1), torch.nan)
        return Estimate(value, value - width, value + width)

    def state(self) -> dict[str, Tensor]:
        """Return what a checkpoint needs."""
        shape = (0, len(self.layers), self.size, self.size)
        return {"products": torch.stack(self._products) if self._products else torch.zeros(shape)}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Set what `state` gave; ESPnet loads checkpoints onto the GPU."""
        self._products = list(state["products"].to("cpu", copy=True).unbind())

    def _clear(self, products: Tensor, confidence: float) -> Tensor:
        """Tell whose mean square is above 0 by its interval, bool [L, m]."""
        squares = products.diagonal(dim1=2, dim2=3)
        steps = len(squares)
        error = squares.std(dim=0) / steps**0.5
        return squares.mean(dim=0) > stats.t.ppf((1 + confidence) / 2, steps - 1) * error


def _cosines(products: Tensor) -> Tensor:
    """Return `C_ij / sqrt(C_ii C_jj)`; NaN where a mean square is not positive, [..., m, m]."""
    squares = products.diagonal(dim1=-2, dim2=-1)
    norms = squares.where(squares > 0, torch.nan).sqrt()
    return products / (norms.unsqueeze(-1) * norms.unsqueeze(-2))


def _half_width(left_out: Tensor, tail: float) -> Tensor:
    """Return half the width of a jackknife interval, from estimates without one step, [S, ...]."""
    steps = len(left_out)
    variance = (steps - 1) * left_out.var(dim=0, correction=0)
    return float(stats.t.ppf(1 - tail, steps - 1)) * variance.sqrt()
