"""Confidence intervals of quantities that are computed from products of different batches."""

from dataclasses import dataclass

import torch
from scipy import stats
from torch import Tensor


@dataclass(frozen=True)
class Interval:
    """Estimates with intervals; NaN means unknown.

    Attributes:
        value: The estimates.
        low: Lower ends.
        high: Upper ends.
        p: Two-sided p values of "the truth is 0".
    """

    value: Tensor
    low: Tensor
    high: Tensor
    p: Tensor


class Jackknife:
    """Jackknife that leaves out one batch at a time, corrected for the part that it counts twice.

    The variance of a mean over pairs of batches has a part from the batches themselves and one from
    the pairs alone: products of noise with noise. The jackknife counts the second part twice, which
    makes intervals of noisy gradients too wide. The products of neighbouring batches, each a pair
    by itself, show how large both parts are together; two equations then separate the two parts.

    Args:
        with_others: `R_a,ij`: products of gradient j of batch a with the sum of gradients i of all
            other batches, [n, G, m, m].
        neighbours: Products of gradient j of batch a with gradient i of one other batch; NaN where
            there is none, [n, G, m, m].
        present: Which batches have labels of which objectives, bool [n, m].
        confidence: Confidence level of the intervals, between 0 and 1.

    Source:
        Efron & Stein, "The jackknife estimate of variance", Annals of Statistics 1981.
    """

    def __init__(
        self, with_others: Tensor, neighbours: Tensor, present: Tensor, confidence: float
    ) -> None:
        here = present.double()
        count = here.sum(dim=0)
        both = here.unsqueeze(2) * here.unsqueeze(1)  # [n, m, m]
        pairs = torch.outer(count, count) - both.sum(dim=0)
        without = (count - here).unsqueeze(2) * (count - here).unsqueeze(1)
        pairs_left = without - (both.sum(dim=0) - both)
        total = with_others.sum(dim=0)
        total = (total + total.transpose(1, 2)) / 2
        left_out = total - with_others - with_others.transpose(2, 3)
        self._mean = _divide(total, pairs)  # [G, m, m]
        self._left_out = _divide(left_out, pairs_left.unsqueeze(1))  # [n, G, m, m]
        self._neighbours = _mean_of_both(neighbours)
        self._takes_part = (here.unsqueeze(2) + here.unsqueeze(1)) > 0  # [n, m, m]
        self._present = present
        self._confidence = confidence

    def square(self) -> Interval:
        """Estimate the mean squares, [G, m]."""
        value = self._mean.diagonal(dim1=1, dim2=2)
        pairs = self._neighbours.diagonal(dim1=2, dim2=3)
        return self._interval(
            value,
            self._left_out.diagonal(dim1=2, dim2=3),
            pairs - value,
            self._present.unsqueeze(1).expand(pairs.shape),
        )

    def cosine(self, clear: Tensor) -> Interval:
        """Estimate `C_ij / sqrt(C_ii C_jj)` where both norms are `clear`, [G, m, m].

        Args:
            clear: True where the norm of an objective can be told from 0, bool [G, m].
        """
        value = _cosines(self._mean, clear)
        return self._interval(
            value, _cosines(self._left_out, clear), self._cosine_pairs(value), self._part()
        )

    def mean_cosine(self, clear: Tensor) -> Interval:
        """Estimate the mean of the cosines of all pairs that are known, [G].

        Args:
            clear: True where the norm of an objective can be told from 0, bool [G, m].
        """
        upper = torch.ones(clear.shape[1], clear.shape[1], dtype=torch.bool).triu(1)
        cosine = _cosines(self._mean, clear)
        value = cosine[:, upper]
        left_out = _cosines(self._left_out, clear)[..., upper].where(value.isfinite(), torch.nan)
        known = value.isfinite()
        pairs = torch.where(known, self._cosine_pairs(cosine)[..., upper], 0.0)
        pairs = pairs.sum(dim=2) / known.sum(dim=1)  # NaN where a pair of objectives is missing
        everywhere = torch.ones(pairs.shape, dtype=torch.bool)
        return self._interval(value.nanmean(dim=1), left_out.nanmean(dim=2), pairs, everywhere)

    def norm_ratio(self, clear: Tensor) -> Interval:
        """Estimate `sqrt(C_ii / C_jj)`, with intervals on the logarithmic scale, [G, m, m].

        Args:
            clear: True where the norm of an objective can be told from 0, bool [G, m].
        """
        value, left_out = _log_ratios(self._mean, clear), _log_ratios(self._left_out, clear)
        squares = self._mean.diagonal(dim1=1, dim2=2)
        relative = self._neighbours.diagonal(dim1=2, dim2=3) / squares  # [n, G, m]
        pairs = (relative.unsqueeze(3) - relative.unsqueeze(2)) / 2
        found = self._interval(value, left_out, pairs, self._part())
        return Interval(found.value.exp(), found.low.exp(), found.high.exp(), found.p)

    def _cosine_pairs(self, cosine: Tensor) -> Tensor:
        """Return what each neighbouring pair adds to a cosine, to first order, [n, G, m, m]."""
        squares = self._mean.diagonal(dim1=1, dim2=2).clamp(min=0)
        norms = squares.sqrt()
        own = self._neighbours / (norms.unsqueeze(2) * norms.unsqueeze(1))
        relative = self._neighbours.diagonal(dim1=2, dim2=3) / squares
        return own - cosine / 2 * (relative.unsqueeze(3) + relative.unsqueeze(2))

    def _part(self) -> Tensor:
        return self._takes_part.unsqueeze(1)

    def _interval(self, value: Tensor, left_out: Tensor, pairs: Tensor, part: Tensor) -> Interval:
        """Return an interval from estimates without one batch each, and from single pairs.

        Args:
            value: The estimates, [...].
            left_out: The same without each batch, [n, ...].
            pairs: The part that each neighbouring pair adds, with mean 0; NaN where there is none,
                [n, ...].
            part: Whether a batch has a part in the estimate, bool [n, ...].
        """
        part = part.expand(left_out.shape)
        count = part.sum(dim=0).double()
        middle = torch.where(part, left_out, 0.0).sum(dim=0) / count
        squares = torch.where(part, left_out - middle, 0.0).square().sum(dim=0)
        jackknife = (count - 1) / count * squares
        single = pairs.square().nanmean(dim=0)
        variance = _without_double_count(jackknife, single, count)
        error = variance.sqrt()
        free = (count - 1).clamp(min=1).numpy()
        half = error * torch.from_numpy(stats.t.ppf((1 + self._confidence) / 2, free))
        p = 2 * torch.from_numpy(stats.t.sf((value / error).abs().numpy(), free))
        known = value.isfinite() & error.isfinite()
        value = value.where(known, torch.nan)
        return Interval(value, value - half, value + half, p.where(known, torch.nan))


def _without_double_count(jackknife: Tensor, single: Tensor, count: Tensor) -> Tensor:
    """Return the variance of a mean over pairs of batches.

    With `b` for the part of the batches and `p` for that of the pairs, the jackknife expects
    `4 b / n + 4 p / (n (n - 1))`, and a single pair has `2 b + p`; the truth is
    `4 b / n + 2 p / (n (n - 1))`.
    """
    pairs = count * (count - 1)
    batch = (jackknife - 4 * single / pairs) / (4 / count - 8 / pairs)
    batch = batch.clamp(min=0)
    pair = torch.minimum((single - 2 * batch).clamp(min=0), single)
    corrected = 4 * batch / count + 2 * pair / pairs
    return torch.where(torch.isnan(single), jackknife, corrected)


def _cosines(products: Tensor, clear: Tensor) -> Tensor:
    """Return `C_ij / sqrt(C_ii C_jj)`; NaN where a norm is not clear, [..., G, m, m]."""
    norms = _squares(products, clear).sqrt()
    return products / (norms.unsqueeze(-1) * norms.unsqueeze(-2))


def _log_ratios(products: Tensor, clear: Tensor) -> Tensor:
    """Return the logarithm of `sqrt(C_ii / C_jj)`; NaN where a norm is not clear."""
    logs = _squares(products, clear).log() / 2
    return logs.unsqueeze(-1) - logs.unsqueeze(-2)


def _squares(products: Tensor, clear: Tensor) -> Tensor:
    squares = products.diagonal(dim1=-2, dim2=-1)
    return squares.where(clear & (squares > 0), torch.nan)


def _mean_of_both(matrices: Tensor) -> Tensor:
    """Return the symmetric part; where one of the two is NaN, the other, [..., m, m]."""
    both = torch.stack([matrices, matrices.transpose(-2, -1)])
    return both.nanmean(dim=0)


def _divide(products: Tensor, counts: Tensor) -> Tensor:
    """Divide by counts of pairs; NaN where there is none."""
    return products / counts.where(counts > 0, torch.nan)
