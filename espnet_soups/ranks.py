"""Sums over the ranks of a distributed run; on one process they are the identity."""

from typing import Any

import torch
from torch import Tensor


def is_distributed() -> bool:
    """Return whether several ranks train together."""
    return torch.distributed.is_available() and torch.distributed.is_initialized()


def sum_over_ranks(values: Tensor) -> Tensor:
    """Sum a tensor over all ranks in place, without a gradient, and return it.

    Args:
        values: The tensor, of any shape; all ranks must pass the same shape.
    """
    if is_distributed():
        torch.distributed.all_reduce(values, torch.distributed.ReduceOp.SUM)
    return values


def summed_over_ranks(values: Tensor) -> Tensor:
    """Return the sum of a tensor over all ranks; the tensor itself is unchanged.

    Args:
        values: The tensor, of any shape; all ranks must pass the same shape.
    """
    return sum_over_ranks(values.clone()) if is_distributed() else values


def same_on_all_ranks(values: Tensor) -> Tensor:
    """Give all ranks the tensor of the first one, in place: their decisions must agree bit for bit.

    Args:
        values: The tensor, of any shape; all ranks must pass the same shape.

    Returns:
        The same tensor.
    """
    if is_distributed():
        torch.distributed.broadcast(values, src=0)
    return values


def rank_and_size() -> tuple[int, int]:
    """Return the number of this rank, from 0, and the number of ranks."""
    if not is_distributed():
        return 0, 1
    return torch.distributed.get_rank(), torch.distributed.get_world_size()


def largest_over_ranks(value: int, device: torch.device) -> int:
    """Return the largest of the numbers of all ranks.

    Args:
        value: The number of this rank.
        device: The device over which the ranks communicate.
    """
    if not is_distributed():
        return value
    values = torch.tensor(value, device=device)
    torch.distributed.all_reduce(values, torch.distributed.ReduceOp.MAX)
    return int(values)


def gather_on_first_rank(value: Any) -> list[Any]:
    """Gather one object from every rank.

    Args:
        value: The object of this rank; it must be possible to pickle it.

    Returns:
        On the first rank the objects of all, in order of rank; on the others an empty list.
    """
    rank, size = rank_and_size()
    if size == 1:
        return [value]
    gathered = [None] * size if rank == 0 else None
    torch.distributed.gather_object(value, gathered)
    return gathered or []


def from_first_rank(value: Any) -> Any:
    """Return the object of the first rank, on every rank.

    Args:
        value: The object of this rank; that of the first one must be possible to pickle.
    """
    if not is_distributed():
        return value
    held = [value]
    torch.distributed.broadcast_object_list(held, src=0)
    return held[0]


def wait_for_all() -> None:
    """Wait until all ranks have reached this call."""
    if is_distributed():
        torch.distributed.barrier()
