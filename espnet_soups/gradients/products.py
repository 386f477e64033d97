"""Inner products of the objectives' gradients, from two independent halves of one measured step."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class HalfProducts:
    """Inner products of the rows, all that later stages need: small float64 matrices on the CPU.

    Attributes:
        cross: `C_ij = <g_i(z1), g_j(z2)>`: its mean is the truth, since the noise of two
            independent halves cancels, [m, m].
        first: `<g_i(z1), g_j(z1)>`, which holds the noise of its half, [m, m].
        second: `<g_i(z2), g_j(z2)>`, [m, m].
        whole: The Gram matrix of the whole step, where it was asked for, [m, m].

    Source:
        Double sampling: Chen et al., JMLR 2024, section 2.3.
    """

    cross: Tensor
    first: Tensor
    second: Tensor
    whole: Tensor | None = None

    @property
    def symmetric(self) -> Tensor:
        """The symmetric part of the cross Gram matrix, [m, m]."""
        return (self.cross + self.cross.T) / 2

    @property
    def power(self) -> Tensor:
        """The mean squared norm of a half, signal and noise together, [m]."""
        return (self.first.diagonal() + self.second.diagonal()) / 2

    @property
    def finite(self) -> bool:
        """True if every number is finite."""
        return all(bool(torch.isfinite(matrix).all()) for matrix in self._matrices)

    def scaled(self, factors: Tensor) -> "HalfProducts":
        """Return the products of rows that are each multiplied by a factor.

        Args:
            factors: The factors, [m].
        """
        outer = torch.outer(factors, factors)
        return HalfProducts(*[matrix * outer for matrix in self._matrices])

    def combined(self, matrix: Tensor) -> "HalfProducts":
        """Return the products of linear combinations of the rows: `B C B^T`, [k, m] [m, m] [m, k].

        Args:
            matrix: B, one combination per row, [k, m].
        """
        return HalfProducts(*[matrix @ own @ matrix.T for own in self._matrices])

    @property
    def _matrices(self) -> list[Tensor]:
        known = (self.cross, self.first, self.second, self.whole)
        return [matrix for matrix in known if matrix is not None]

    def of_the_whole(self, shares: Tensor) -> Tensor:
        """Return the Gram matrix of the rows of both halves together.

        Args:
            shares: Share of each half in the whole, by objective, [2, m].

        Returns:
            The Gram matrix of `shares_1 g(z1) + shares_2 g(z2)`, [m, m].
        """
        one, two = shares.to(self.cross)
        mixed = one.unsqueeze(1) * self.cross * two
        return (
            torch.outer(one, one) * self.first
            + torch.outer(two, two) * self.second
            + (mixed + mixed.T)
        )


def half_products(first: Tensor, second: Tensor, metric: Tensor | None = None) -> HalfProducts:
    """Return the inner products of two sets of rows.

    They are computed at least in float32, also under autocast, where matrix products would be
    rounded to bfloat16.

    Args:
        first: Rows G(z1), [m, n].
        second: Rows G(z2), [m, n].
        metric: Weight of each coordinate, [n]; None for 1 (Euclidean).

    Returns:
        The products.
    """
    with torch.autocast(first.device.type, enabled=False):
        dtype = torch.promote_types(first.dtype, torch.float32)
        one, two = first.to(dtype), second.to(dtype)
        left, right = (one, two) if metric is None else (one * metric, two * metric)
        stacked = torch.stack([left @ two.T, left @ one.T, right @ two.T])
    return HalfProducts(*stacked.double().cpu().unbind())


def layer_products(
    first: Tensor, second: Tensor, groups: Sequence[Sequence[tuple[int, int]]]
) -> Tensor:
    """Return the symmetric cross products of every group, float64 on the CPU, [G, m, m].

    Args:
        first: Rows G(z1), [m, n].
        second: Rows G(z2), [m, n].
        groups: Spans of columns of each group, such as `[(0, 40), (60, 80)]`.
    """
    crossed = group_products(first, second, groups)
    return (crossed + crossed.transpose(1, 2)) / 2


def group_products(
    first: Tensor, second: Tensor, groups: Sequence[Sequence[tuple[int, int]]]
) -> Tensor:
    """Return the inner products of rows in every group, float64 on the CPU, [G, m, m].

    They are computed at least in float32, also under autocast; see `half_products`.

    Args:
        first: Rows G(z1), [m, n].
        second: Rows G(z2), [m, n].
        groups: Spans of columns of each group, such as `[(0, 40), (60, 80)]`.
    """
    with torch.autocast(first.device.type, enabled=False):
        dtype = torch.promote_types(first.dtype, torch.float32)
        one, two = first.to(dtype), second.to(dtype)
        products = [
            torch.stack([one[:, a:b] @ two[:, a:b].T for a, b in spans]).double().sum(dim=0)
            for spans in groups
        ]
        return torch.stack(products).cpu()
