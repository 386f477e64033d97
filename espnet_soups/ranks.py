"""Sums over the ranks of a distributed run; on one process they are the identity."""

from typing import Any

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


def rank_and_size() -> tuple[int, int]:
    """Return the number of this rank, from 0, and how many there are."""
    if not is_distributed():
        return 0, 1
    return torch.distributed.get_rank(), torch.distributed.get_world_size()


def largest_over_ranks(value: int, device: torch.device) -> int:
    """Return the largest of the numbers of all ranks, which talk on a device."""
    if not is_distributed():
        return value
    values = torch.tensor(value, device=device)
    torch.distributed.all_reduce(values, torch.distributed.ReduceOp.MAX)
    return int(values)


def gather_on_first_rank(value: Any) -> list[Any]:
    """Return the objects of all ranks in order on the first one, an empty list on the others."""
    rank, size = rank_and_size()
    if size == 1:
        return [value]
    gathered = [None] * size if rank == 0 else None
    torch.distributed.gather_object(value, gathered)
    return gathered or []


def wait_for_all() -> None:
    """Wait until all ranks have come here."""
    if is_distributed():
        torch.distributed.barrier()
