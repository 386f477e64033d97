"""Combiners that come from TorchJD: the only file that imports it, since its API moves."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from espnet_soups.weighting.combiner import Combiner

# Name in YAML -> name of TorchJD's class: each is a pure function of a Gram matrix.
GRAM_WEIGHTINGS: Mapping[str, str] = {
    "aligned_mtl": "AlignedMTLWeighting",
    "imtl_g": "IMTLGWeighting",
    "mean": "MeanWeighting",
    "mgda": "MGDAWeighting",
    "sum": "SumWeighting",
}


class TorchJD(Combiner):
    """Wraps one of TorchJD's weightings.

    Its weights are clipped at zero and scaled to the mass of the level, so that every combiner
    moves along a direction of the same scale. A symmetrised cross Gram can have negative
    eigenvalues, which no Gram matrix has and TorchJD does not expect: they are set to 0.

    Args:
        name: A key of `GRAM_WEIGHTINGS`.
        options: Arguments of TorchJD's class, as its documentation names them.

    Raises:
        ValueError: If TorchJD does not know an option.
    """

    symmetric = True

    def __init__(self, name: str, options: Mapping[str, Any]) -> None:
        import torchjd.aggregation

        try:
            weighting = getattr(torchjd.aggregation, GRAM_WEIGHTINGS[name])(**options)
        except TypeError as error:
            raise ValueError(f"`combiner_conf` of {name} is not valid: {error}.") from error
        self.weighting: Callable[[Tensor], Tensor] = weighting

    def __call__(self, weights: Tensor, gram: Tensor) -> Tensor:
        """Gives the next weights; see `Combiner`."""
        values, vectors = torch.linalg.eigh(gram)
        nearest = (vectors * values.clamp(min=0)) @ vectors.T
        proposed = self.weighting(nearest).to(weights.dtype).clamp(min=0)
        total = proposed.sum()
        return weights if total == 0 else proposed / total * weights.sum()
