"""In which units weights are solved and steps are made: the same for both."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import Parameter

from espnet_soups.gradients.products import HalfProducts, half_products
from espnet_soups.gradients.signal import RunningSignal, divide_by_norms
from espnet_soups.soup.adam_metric import AdamMetric
from espnet_soups.soup.config import SoupConfig


class Geometry:
    """Inner products of gradients, and from weights what gates multiply with.

    With `gradient_norm: rows` each gradient is divided by its running norm, in the products and in
    the step; with `metric: adam` products are those of what AdamW makes of gradients.

    Args:
        config: The settings.
        size: Number of objectives.
    """

    def __init__(self, config: SoupConfig, size: int) -> None:
        self.normalises = config.gradient_norm == "rows"
        self.preconditions = config.metric == "adam"
        self.size = size
        self._metric: AdamMetric | None = None

    def bind(self, optimizer: torch.optim.Optimizer) -> None:
        """Tie the geometry to the optimiser whose second moments it may read.

        Raises:
            ValueError: If the optimiser has none.
        """
        if self.preconditions:
            self._metric = AdamMetric(optimizer)

    def is_ready(self, parameters: Sequence[Parameter]) -> bool:
        """Tell whether products can be taken: those of AdamW not before its first step."""
        return self._metric is None or self._metric.is_ready(parameters)

    def products(
        self,
        halves: Sequence[Tensor],
        parameters: Sequence[Parameter],
        whole: Tensor | None = None,
        shares: Tensor | None = None,
    ) -> HalfProducts:
        """Return the inner products of the rows of two halves.

        Args:
            halves: The rows, each [m, n].
            parameters: What they are the gradients of, n numbers in all.
            whole: The rows of the whole step, where they are more than the halves by their
                shares, [m, n].
            shares: Share of each half in the whole, [2, m]; None: nobody wants its Gram matrix.
        """
        metric = None if self._metric is None else self._metric.read(parameters)
        found = half_products(halves[0], halves[1], metric)
        if whole is not None:
            return replace(found, whole=half_products(whole, whole, metric).cross)
        return found if shares is None else replace(found, whole=found.of_the_whole(shares))

    def shown(self, products: HalfProducts, norms: RunningSignal) -> HalfProducts:
        """Return the products of the gradients as the step adds them."""
        if not self.normalises:
            return products
        ones = torch.ones(self.size, dtype=torch.float64)
        return products.scaled(divide_by_norms(ones, norms))

    def multipliers(self, plain: Tensor, norms: RunningSignal) -> Tensor:
        """Return what gates multiply with, from `c_p w_k` of every objective, [m].

        Args:
            plain: `c_p w_k`, [m].
            norms: Norms to divide by.
        """
        return divide_by_norms(plain, norms) if self.normalises else plain
