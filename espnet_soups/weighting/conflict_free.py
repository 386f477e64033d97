"""ConFIG: a direction with the same share of every objective's unit gradient."""

import torch
from torch import Tensor

from espnet_soups.weighting.combiner import Combiner, Shown, State, scale_to_mass


class ConFIG(Combiner):
    """Conflict-free inverse gradients, from the Gram matrix.

    The direction `pinv(U) 1`, with unit rows `U = D^-1 G`, equals `U^T (U U^T)^+ 1`: a sum of the
    rows with the weights `D^-1 (U U^T)^+ 1`, which need no rows.

    Source:
        Liu, Chu and Thuerey, "ConFIG", ICLR 2025; `torchjd.aggregation.ConFIG`, which works on
        rows, is the reference of the tests.

    >>> shown = Shown(gram=torch.tensor([[4.0, 0.0], [0.0, 1.0]]), losses=torch.zeros(2))
    >>> ConFIG()(torch.tensor([0.5, 0.5]), shown, {})[0]
    tensor([0.3333, 0.6667])
    """

    symmetric = True

    def __call__(self, weights: Tensor, shown: Shown, state: State) -> tuple[Tensor, State]:
        """Return the next weights; see `Combiner`."""
        gram = shown.gram.detach().to("cpu", torch.float64)
        values, vectors = torch.linalg.eigh(gram)
        gram = (vectors * values.clamp(min=0)) @ vectors.T
        norms = gram.diagonal().clamp(min=0).sqrt()
        if (norms == 0).any():
            return weights, state
        units = gram / torch.outer(norms, norms)
        solution = torch.linalg.pinv(units, hermitian=True).sum(dim=1)
        return scale_to_mass(solution / norms, weights), state
