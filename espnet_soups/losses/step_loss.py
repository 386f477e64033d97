"""The loss of a step: the sum over the objectives of their mean losses per label token."""

from collections.abc import Sequence

import torch
from torch import Tensor


def label_shares(labels: Tensor) -> Tensor:
    """Return the weight of the mean loss of each part: its share of the label tokens, [parts, m].

    Args:
        labels: Label tokens of each part on all ranks, [parts, m].

    >>> label_shares(torch.tensor([[3.0, 0.0], [1.0, 0.0]]))
    tensor([[0.7500, 0.0000],
            [0.2500, 0.0000]])
    """
    return labels / labels.sum(dim=0).clamp(min=1)


def step_loss(means: Sequence[Sequence[Tensor]], shares: Tensor) -> Tensor:
    """Return the sum of mean losses, a scalar.

    Args:
        means: For each part, one scalar per objective, [parts, m].
        shares: The weight of each loss, [parts, m].
    """
    stacked = torch.stack([torch.stack(list(part)) for part in means])
    return (stacked * shares.to(stacked)).sum()
