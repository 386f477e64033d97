"""Sums over the ranks of a distributed run; on one process they are the identity."""

import torch
from torch import Tensor


def is_distributed() -> bool:
    """Return whether several ranks train together."""
    return torch.distributed.is_available() and torch.distributed.is_initialized()


def sum_over_ranks(values: Tensor) -> Tensor:
    """Sum a tensor over all ranks, in place, without a graph."""
    if is_distributed():
        torch.distributed.all_reduce(values, torch.distributed.ReduceOp.SUM)
    return values


def summed_over_ranks(values: Tensor) -> Tensor:
    """Return the sum of a tensor over all ranks; the tensor stays as it is."""
    return sum_over_ranks(values.clone()) if is_distributed() else values


def same_on_all_ranks(values: Tensor) -> Tensor:
    """Return all ranks the tensor of the first one, in place: decisions must agree to the bit."""
    if is_distributed():
        torch.distributed.broadcast(values, src=0)
    return values
