"""Compute the losses of a model on the same batches repeatedly, each time bit for bit alike."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import torch
from espnet2.torch_utils.device_funcs import to_device
from espnet2.torch_utils.set_all_random_seed import set_all_random_seed
from torch import Tensor

from espnet_soups.losses.loss_sum import LossSum
from espnet_soups.network.msp_model import MSPModel
from espnet_soups.network.running_statistics import RunningStatistics


@dataclass(frozen=True)
class Losses:
    """Losses of a batch.

    Attributes:
        means: The mean loss per label token of each objective, scalars with a graph.
        present: Which objectives have labels, bool, `(m,)`.
    """

    means: list[Tensor]
    present: Tensor

    @property
    def values(self) -> Tensor:
        """The means as numbers, NaN without a label, float64, `(m,)`."""
        numbers = torch.stack([mean.detach() for mean in self.means]).double().cpu()
        return numbers.where(self.present, torch.nan)


@dataclass(frozen=True)
class MeasuredBatches:
    """Batches of the training data, each with dropout, masks and other noise of its own.

    Attributes:
        batches: Batches from ESPnet's collator.
        seed: Seed of the noise of the first batch; each further one has the next seed.
        repeated: Number of repeated utterances that were left out.
    """

    batches: Sequence[Mapping[str, Any]]
    seed: int
    repeated: int = field(default=0)

    @staticmethod
    def take(
        batches: Iterable[tuple[list[str], dict[str, Any]]], number: int, seed: int
    ) -> "MeasuredBatches":
        """Take the first batches of an epoch.

        Batches must be independent, but the sampler repeats utterances of small languages: only the
        first occurrence is kept.

        Args:
            batches: (utterance ids, padded tensors by name) of each mini-batch.
            number: How many to take.
            seed: Seed of the noise.
        """
        taken, seen, repeated = [], set[str](), 0
        for ids, batch in islice(batches, number):
            fresh = [place for place, key in enumerate(ids) if key not in seen]
            repeated += len(ids) - len(fresh)
            seen.update(ids)
            if fresh:
                taken.append({name: value[fresh] for name, value in batch.items()})
        return MeasuredBatches(taken, seed, repeated)

    def losses(self, network: MSPModel, number: int) -> Losses:
        """Return the losses of a batch; the statistics of BatchNorm are restored afterwards.

        Args:
            network: The model.
            number: Number of the batch, from 0.
        """
        set_all_random_seed(self.seed + number)
        device = next(network.parameters()).device
        statistics = RunningStatistics(network)
        batch = to_device(self.batches[number], "cuda" if device.type == "cuda" else "cpu")
        sums: list[LossSum] = network.loss_sums(**batch)
        statistics.restore()
        means = [loss.total / loss.count.clamp(min=1) for loss in sums]
        return Losses(means, torch.stack([loss.count > 0 for loss in sums]).cpu())
