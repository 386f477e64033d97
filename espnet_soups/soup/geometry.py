"""Units of gradients, the same for solving weights and for making steps."""

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
    """Inner products of gradients, and the factors of the gates that belong to weights.

    With `gradient_norm: rows` each gradient is divided by its running norm, in the products and in
    the step; with `metric: adam` products are those of the gradients as AdamW scales them.

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

        Args:
            optimizer: The optimiser of the training.

        Raises:
            ValueError: If `metric: adam` is set and the optimiser has no second moments.
        """
        if self.preconditions:
            self._metric = AdamMetric(optimizer)

    def is_ready(self, parameters: Sequence[Parameter]) -> bool:
        """Return True if products can be computed; those of AdamW need its first step.

        Args:
            parameters: The measured parameters.
        """
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
            parameters: The parameters of the gradients, n numbers in all.
            whole: The rows of the whole step, if they do not follow from the halves and their
                shares, [m, n].
            shares: Share of each half in the whole, [2, m]; None if its Gram matrix is not needed.
        """
        metric = None if self._metric is None else self._metric.read(parameters)
        found = half_products(halves[0], halves[1], metric)
        if whole is not None:
            return replace(found, whole=half_products(whole, whole, metric).cross)
        return found if shares is None else replace(found, whole=found.of_the_whole(shares))

    def shown(self, products: HalfProducts, norms: RunningSignal) -> HalfProducts:
        """Return the products of the gradients as the step adds them up.

        Args:
            products: Products of the raw rows.
            norms: Running mean squares of the gradients.
        """
        if not self.normalises:
            return products
        ones = torch.ones(self.size, dtype=torch.float64)
        return products.scaled(divide_by_norms(ones, norms))

    def multipliers(self, plain: Tensor, norms: RunningSignal) -> Tensor:
        """Return the factors of the gates, [m].

        Args:
            plain: `c_p w_k` of every objective, [m].
            norms: Running mean squares of the gradients, whose roots are divided by.
        """
        return divide_by_norms(plain, norms) if self.normalises else plain
