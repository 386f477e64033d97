"""Relations of the objectives' gradients at one point, from many batches, without their noise."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from espnet_soups.gradients.jackknife import Interval, Jackknife
from espnet_soups.gradients.products import group_products

LEAST_BATCHES = 4  # fewer make no interval


@dataclass(frozen=True)
class GradientRelations:
    """Estimates for G groups of parameters and m objectives.

    NaN means unknown: two objectives share no two batches, or a norm cannot be told from 0.

    Attributes:
        square: Mean squared norm of the gradient without noise, [G, m].
        clear: Whether it is above 0 by its interval, bool [G, m].
        signal_share: `square` divided by the mean squared norm of one batch, [G, m].
        cosine: Cosine of every pair, [G, m, m].
        norm_ratio: Norm of the first over that of the second, [G, m, m].
        mean_cosine: Mean cosine over all pairs that are known, [G].
        batches: Batches with labels of each objective, long [m].
    """

    square: Interval
    clear: Tensor
    signal_share: Tensor
    cosine: Interval
    norm_ratio: Interval
    mean_cosine: Interval
    batches: Tensor


class BatchPairs:
    """Products of gradients of *different* batches alone, so that no noise is squared.

    Over n batches at the same parameters, `C_ij` is the mean of `<g_i(a), g_j(b)>` over all pairs
    of batches a and b that differ. Sums suffice: the batches are gone through twice, first `add`,
    then `compare`, and three sets of rows are kept: 3 m n numbers.

    Args:
        groups: Spans of columns of each group of parameters, such as `[(0, 40), (60, 80)]`.
        size: Number of objectives.

    Source:
        U-statistics of order two: Hoeffding, 1948. Intervals: see `Jackknife`.
    """

    def __init__(self, groups: Sequence[Sequence[tuple[int, int]]], size: int) -> None:
        self._groups, self._size = [list(spans) for spans in groups], size
        self._sum: Tensor | None = None
        self._last: Tensor | None = None
        self._has_last = torch.zeros(size, dtype=torch.bool)
        self._presence: list[Tensor] = []
        self._with_others: list[Tensor] = []
        self._neighbours: list[Tensor] = []
        self._power: list[Tensor] = []

    def add(self, rows: Tensor, present: Tensor) -> None:
        """Add the gradients of a batch, in the first pass.

        Args:
            rows: Gradients of its objectives; zeros for one without labels, [m, n].
            present: Which objectives have labels, bool [m].
        """
        self._sum = rows.clone() if self._sum is None else self._sum.add_(rows)
        self._presence.append(present.cpu())

    def compare(self, rows: Tensor) -> None:
        """Compare a batch with all others, in the second pass, in the order of the first.

        Args:
            rows: Gradients of its objectives, the same as in the first pass, [m, n].

        Raises:
            RuntimeError: If the batch was not added.
        """
        if self._sum is None or len(self._with_others) == len(self._presence):
            raise RuntimeError("A batch must be added before it is compared.")
        present = self._presence[len(self._with_others)]
        own = self._products(rows, rows)
        self._with_others.append(self._products(self._sum, rows) - own)
        self._power.append(own.diagonal(dim1=1, dim2=2))
        self._neighbours.append(self._with_neighbour(rows, present))
        if self._last is None:
            self._last = rows.clone()
        else:
            self._last[present] = rows[present]
        self._has_last |= present

    def direction(self, rows: Tensor, objective: int) -> Tensor:
        """Return the sum of an objective's gradients over all batches but this one, [n].

        Args:
            rows: Gradients of this batch, [m, n].
            objective: Index of the objective.

        Raises:
            RuntimeError: If no batch was added.
        """
        if self._sum is None:
            raise RuntimeError("A batch must be added before it is compared.")
        return self._sum[objective] - rows[objective]

    def relations(self, confidence: float = 0.95) -> GradientRelations:
        """Estimate how the gradients relate.

        Args:
            confidence: Confidence level of the intervals, between 0 and 1.

        Raises:
            ValueError: If there are fewer batches than an interval needs.
        """
        if len(self._with_others) < LEAST_BATCHES:
            raise ValueError(
                f"Gradients of {len(self._with_others)} batches can be used, but an interval needs"
                f" {LEAST_BATCHES} or more: measure more batches."
            )
        present = torch.stack(self._presence)
        jackknife = Jackknife(
            torch.stack(self._with_others), torch.stack(self._neighbours), present, confidence
        )
        square = jackknife.square()
        clear = square.low > 0
        power = torch.stack(self._power).sum(dim=0) / present.sum(dim=0)
        return GradientRelations(
            square=square,
            clear=clear,
            signal_share=square.value / power,
            cosine=jackknife.cosine(clear),
            norm_ratio=jackknife.norm_ratio(clear),
            mean_cosine=jackknife.mean_cosine(clear),
            batches=present.sum(dim=0),
        )

    def _with_neighbour(self, rows: Tensor, present: Tensor) -> Tensor:
        """Return products with the last batch that had each objective; else NaN, [G, m, m]."""
        known = torch.outer(self._has_last, present)
        if self._last is None:
            return torch.full((len(self._groups), *known.shape), torch.nan, dtype=torch.float64)
        return self._products(self._last, rows).where(known, torch.nan)

    def _products(self, first: Tensor, second: Tensor) -> Tensor:
        return group_products(first, second, self._groups)
