"""Cosines of every pair of objectives in every layer, averaged over steps."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from espnet_soups.gradients.gram import cross_gram
from espnet_soups.gradients.layers import Columns


class LayerCosines:
    """Adds up what each step of full depth showed.

    Objectives of one language have their labels for the same utterances: in one batch they share
    its noise, which makes their cosine look larger than it is. Such pairs use the mean of the two
    cosines across batches, of `g_i(z1)` with `g_j(z2)` and of `g_i(z2)` with `g_j(z1)`, where two
    batches are at hand, and are left out of the step where not.

    Args:
        layers: The layers, as columns of a row.
        share_noise: Whether two objectives share utterances, bool [m, m].
    """

    def __init__(self, layers: Sequence[Columns], share_noise: Tensor) -> None:
        self.layers = list(layers)
        self.share_noise = share_noise
        self.reset()

    def reset(self) -> None:
        """Forgets all steps."""
        size = len(self.share_noise)
        self.sums = torch.zeros(len(self.layers), size, size, dtype=torch.float64)
        self.counts = torch.zeros(len(self.layers), size, size, dtype=torch.long)
        self.steps = 0

    def add(self, rows: Tensor, others: Tensor | None) -> None:
        """Adds a step.

        Args:
            rows: Rows of one batch on all shared parameters, zero where not measured, [m, n].
            others: Rows of another, independent batch; None if there is none, [m, n].
        """
        for position, layer in enumerate(self.layers):
            first = rows[:, layer.start : layer.stop]
            second = None if others is None else others[:, layer.start : layer.stop]
            cosine = pair_cosines(first, second, self.share_noise)
            known = torch.isfinite(cosine)
            self.sums[position] += torch.where(known, cosine, torch.zeros_like(cosine))
            self.counts[position] += known
        self.steps += 1

    def means(self) -> Tensor:
        """Gives the mean cosine of every layer and pair; NaN: never measured, [L, m, m]."""
        return self.sums / self.counts

    def conflicts(self, statistic: str) -> Tensor:
        """Gives the mean over the pairs, or the worst pair, of each layer; NaN: none known, [L]."""
        size = len(self.share_noise)
        above = torch.ones(size, size, dtype=torch.bool).triu(1)
        pairs = self.means()[:, above]
        if statistic == "mean":
            return pairs.nanmean(dim=1)
        known = torch.where(torch.isnan(pairs), torch.full_like(pairs, torch.inf), pairs)
        worst = known.min(dim=1).values
        return torch.where(torch.isinf(worst), torch.full_like(worst, torch.nan), worst)

    def state(self) -> dict[str, Tensor]:
        """Gives what a checkpoint needs."""
        steps = torch.tensor(self.steps)
        return {"sums": self.sums.clone(), "counts": self.counts.clone(), "steps": steps}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Sets what `state` gave."""
        self.sums, self.counts = (  # ESPnet loads checkpoints onto the GPU
            state[name].to("cpu", copy=True) for name in ("sums", "counts")
        )
        self.steps = int(state["steps"])


def pair_cosines(first: Tensor, second: Tensor | None, share_noise: Tensor) -> Tensor:
    """Gives the cosine of every pair in one layer, NaN where unknown, float64 [m, m]."""
    norms = first.float().norm(dim=1)
    same = cross_gram(first, first, norms, norms)
    if second is None:
        crossed = torch.full_like(same, torch.nan)
    else:
        other_norms = second.float().norm(dim=1)
        crossed = cross_gram(first, second, norms, other_norms)
        crossed = (crossed + crossed.T) / 2
    return torch.where(share_noise.to(same.device), crossed, same).double().cpu()
