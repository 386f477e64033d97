"""In which layers objectives conflicted during an epoch, from the steps that were measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from espnet_soups.gradients.layer_conflict import LayerProducts
from espnet_soups.gradients.products import layer_products

CONFIDENCE = 0.95
MOST_BLOCKS = 64  # neighbouring steps are added up when there are more
LEAST_BLOCKS = 4  # fewer make no interval
DIGITS = 4  # of the cosines of a record


@dataclass
class _Blocks:
    """Products of one layer, summed over blocks of neighbouring steps."""

    products: list[Tensor] = field(default_factory=list)
    counts: list[Tensor] = field(default_factory=list)
    length: int = 1  # steps of a block
    last: int = 0  # steps in the last block

    def add(self, products: Tensor, counts: Tensor) -> None:
        """Add a step, [m, m] both."""
        if self.products and self.last < self.length:
            self.products[-1] = self.products[-1] + products
            self.counts[-1] = self.counts[-1] + counts
            self.last += 1
            return
        if len(self.products) == MOST_BLOCKS:
            self.products = [a + b for a, b in zip(self.products[::2], self.products[1::2])]  # noqa: B905
            self.counts = [a + b for a, b in zip(self.counts[::2], self.counts[1::2])]  # noqa: B905
            self.length *= 2
        self.products.append(products)
        self.counts.append(counts)
        self.last = 1


class LayerMeans:
    """Sums of the products of each layer over measured steps, with intervals by a block jackknife.

    Memory does not grow with the steps: there are `MOST_BLOCKS` blocks at most.
    """

    def __init__(self) -> None:
        self._layers: dict[str, _Blocks] = {}

    def add(
        self,
        groups: Mapping[str, Sequence[tuple[int, int]]],
        halves: Sequence[Tensor],
        both: Tensor,
    ) -> None:
        """Add a step, but for layers where a product is not finite, as can happen in float16.

        Args:
            groups: Name of each layer that was measured to its spans of columns.
            halves: Rows of the two halves, each [m, n].
            both: Whether both halves have labels of an objective, bool [m].
        """
        products = layer_products(halves[0], halves[1], list(groups.values()))
        counts = torch.outer(both, both).double()
        for name, own in zip(groups, products, strict=True):
            if bool(torch.isfinite(own).all()):
                self._layers.setdefault(name, _Blocks()).add(own, counts)

    def state(self) -> dict[str, dict[str, Any]]:
        """Return the state that a checkpoint inside an epoch needs."""
        return {
            layer: {
                "products": torch.stack(blocks.products),
                "counts": torch.stack(blocks.counts),
                "length": blocks.length,
                "last": blocks.last,
            }
            for layer, blocks in self._layers.items()
        }

    def restore(self, state: Mapping[str, Mapping[str, Any]]) -> None:
        """Restore a state.

        Args:
            state: What `state` returned; its tensors are on the CPU.
        """
        self._layers = {
            layer: _Blocks(
                list(kept["products"].unbind()),
                list(kept["counts"].unbind()),
                kept["length"],
                kept["last"],
            )
            for layer, kept in state.items()
        }

    def describe(self, names: Sequence[str]) -> dict[str, Any]:
        """Return the mean cosine and the worst pair of each layer, with intervals, and all cosines.

        Args:
            names: Names of the objectives, in order.
        """
        return {
            layer: _describe(blocks, names)
            for layer, blocks in self._layers.items()
            if len(blocks.products) >= LEAST_BLOCKS
        }


def _describe(blocks: _Blocks, names: Sequence[str]) -> dict[str, Any]:
    found = LayerProducts(torch.stack(blocks.products).unsqueeze(1), torch.stack(blocks.counts))
    mean = found.mean_conflict(CONFIDENCE)
    worst, pair = found.worst_conflict(CONFIDENCE)
    places = pair[0].tolist()
    return {
        "mean": [round(float(x), DIGITS) for x in (mean.value, mean.low, mean.high)],
        "worst": [round(float(x), DIGITS) for x in (worst.value, worst.low, worst.high)],
        "pair": [names[place] for place in places] if places[0] >= 0 else None,
        "cosine": [[round(x, DIGITS) for x in row] for row in found.cosines()[0].tolist()],
    }
