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
    """One cosine per layer; NaN where no pair of objectives has norms that can be told from 0.

    Attributes:
        value: The estimate, [L].
        low: Lower end of its interval, [L].
        high: Upper end of its interval, [L].
    """

    value: Tensor
    low: Tensor
    high: Tensor


class LayerProducts:
    """Products of two independent halves, layer by layer and step by step.

    A pair of objectives counts where both halves have labels of both.

    Attributes:
        products: `<g_i(z1), g_j(z2)>` of every layer, symmetric, [S, L, m, m].
        counts: Number of measurements that each sums up, [S, m, m].

    Args:
        products: `<g_i(z1), g_j(z2)>` of every layer, symmetric, [S, L, m, m].
        counts: Number of measurements that each sums up, [S, m, m].
    """

    def __init__(self, products: Tensor, counts: Tensor) -> None:
        self.products, self.counts = products, counts
        self._size = products.shape[-1]

    def cosines(self) -> Tensor:
        """Return the cosine of every layer and pair; NaN where unknown, [L, m, m]."""
        return _cosines(self.products.sum(dim=0), self.counts.sum(dim=0))

    def mean_conflict(self, confidence: float) -> Estimate:
        """Estimate the mean cosine over all pairs of each layer, with its interval, [L].

        Args:
            confidence: Confidence level of the interval, between 0 and 1.
        """
        whole, left_out, pairs = self._by_pairs(confidence)
        value = whole.where(pairs, torch.nan).nanmean(dim=1)
        left_out = left_out.where(pairs, torch.nan).nanmean(dim=2)
        half = _half_width(left_out, (1 - confidence) / 2)
        return Estimate(value, value - half, value + half)

    def worst_conflict(self, confidence: float) -> tuple[Estimate, Tensor]:
        """Estimate the pair of each layer whose interval ends lowest.

        Intervals are corrected for the number of pairs (Bonferroni).

        Args:
            confidence: Confidence level of the intervals, between 0 and 1.

        Returns:
            (the cosine of each layer's pair, the pairs, long [L, 2]; -1 where none is known).
        """
        whole, left_out, pairs = self._by_pairs(confidence)
        if self._size == 1:  # no pair
            unknown = whole.new_full((len(whole),), torch.nan)
            return Estimate(unknown, unknown, unknown), pairs.long().new_full((len(whole), 2), -1)
        tail = (1 - confidence) / 2
        half = _half_width(left_out, tail / pairs.shape[1])
        worst = (whole + half).where(pairs, torch.inf).argmin(dim=1, keepdim=True)
        value, width = whole.gather(1, worst)[:, 0], half.gather(1, worst)[:, 0]
        known = pairs.any(dim=1)
        value = value.where(known, torch.nan)
        places = torch.triu_indices(self._size, self._size, 1).T[worst[:, 0]]
        places = places.where(known.unsqueeze(1), -1)
        return Estimate(value, value - width, value + width), places

    def _by_pairs(self, confidence: float) -> tuple[Tensor, Tensor, Tensor]:
        """Return cosines [L, pairs], without each step [S, L, pairs], and which are known."""
        upper = torch.ones(self._size, self._size, dtype=torch.bool).triu(1)
        clear = self._clear(confidence)
        pairs = (clear.unsqueeze(2) & clear.unsqueeze(1))[:, upper]
        total, count = self.products.sum(dim=0), self.counts.sum(dim=0)
        whole = _cosines(total, count)[:, upper]
        others = (count - self.counts).unsqueeze(1)
        left_out = _cosines(total - self.products, others)[..., upper]
        return whole, left_out, pairs & torch.isfinite(whole) & torch.isfinite(left_out).all(dim=0)

    def _clear(self, confidence: float) -> Tensor:
        """Return whose mean square is above 0 by its interval, bool [L, m]."""
        counts = self.counts.diagonal(dim1=1, dim2=2).unsqueeze(1)  # [S, 1, m]
        squares = self.products.diagonal(dim1=2, dim2=3)
        mean = squares.sum(dim=0) / counts.sum(dim=0)
        blocks = (counts > 0).sum(dim=0).double()
        share = counts / (counts.sum(dim=0) / blocks)  # 1 where all blocks are alike
        spread = (squares / counts.clamp(min=1) - mean) * share
        error = (spread.square().sum(dim=0) / (blocks - 1).clamp(min=1) / blocks).sqrt()
        quantile = stats.t.ppf((1 + confidence) / 2, (blocks - 1).clamp(min=1).numpy())
        return (mean > torch.from_numpy(quantile) * error) & (blocks > 1)


class LayerConflict:
    """Products of every layer on the steps of a selection.

    The cosine of a pair is `C_ij / sqrt(C_ii C_jj)`, with means over the steps of products of two
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
        self._counts: list[Tensor] = []

    @property
    def steps(self) -> int:
        """Number of steps that were added."""
        return len(self._products)

    def add(self, first: Tensor, second: Tensor, both: Tensor) -> None:
        """Add a step, unless a product is not finite, as can happen in float16.

        Args:
            first: Rows of its first half, on all shared parameters, [m, n].
            second: Rows of its second half, independent of the first one, [m, n].
            both: Whether both halves have labels of an objective, bool [m].
        """
        spans = [[(layer.start, layer.stop)] for layer in self.layers]
        products = layer_products(first, second, spans)
        if bool(torch.isfinite(products).all()):
            self._products.append(products)
            self._counts.append(torch.outer(both, both).double())

    def cosines(self) -> Tensor:
        """Return the cosine of every layer and pair; NaN where unknown, [L, m, m]."""
        return self._kept().cosines()

    def conflict(self, statistic: str, confidence: float) -> Estimate:
        """Estimate how much each layer conflicts.

        Args:
            statistic: `mean` over all pairs, or the `worst` pair: that whose interval, corrected
                for the number of pairs (Bonferroni), ends lowest.
            confidence: Confidence level of the interval, e.g. 0.95.
        """
        if statistic == "mean":
            return self._kept().mean_conflict(confidence)
        return self._kept().worst_conflict(confidence)[0]

    def state(self) -> dict[str, Tensor]:
        """Return the state that a checkpoint needs."""
        shape = (0, len(self.layers), self.size, self.size)
        return {
            "products": torch.stack(self._products) if self._products else torch.zeros(shape),
            "counts": torch.stack(self._counts) if self._counts else torch.zeros(0, *shape[2:]),
        }

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Restore a state; ESPnet loads checkpoints onto the GPU.

        Args:
            state: What `state` returned, on any device.
        """
        self._products = list(state["products"].to("cpu", copy=True).unbind())
        self._counts = list(state["counts"].to("cpu", copy=True).unbind())

    def _kept(self) -> LayerProducts:
        return LayerProducts(torch.stack(self._products), torch.stack(self._counts))


def _cosines(products: Tensor, counts: Tensor) -> Tensor:
    """Return `C_ij / sqrt(C_ii C_jj)`; NaN where a mean square is not positive, [..., m, m]."""
    means = products / counts
    squares = means.diagonal(dim1=-2, dim2=-1)
    norms = squares.where(squares > 0, torch.nan).sqrt()
    return means / (norms.unsqueeze(-1) * norms.unsqueeze(-2))


def _half_width(left_out: Tensor, tail: float) -> Tensor:
    """Return half the width of a jackknife interval, from estimates without one step, [S, ...]."""
    steps = len(left_out)
    variance = (steps - 1) * left_out.var(dim=0, correction=0)
    return float(stats.t.ppf(1 - tail, steps - 1)) * variance.sqrt()
