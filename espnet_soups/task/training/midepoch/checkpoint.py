"""Write and read the checkpoint inside an epoch, and check that this run can resume from it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from espnet_soups.files import whole_file
from espnet_soups.ranks import rank_and_size, sum_over_ranks
from espnet_soups.task.training.midepoch.batches import digest_of
from espnet_soups.task.training.model_file import read_states

FILE = "checkpoint.step.pth"  # its end differs from those of whole epochs


def write_midepoch(output_dir: Path, states: Mapping[str, Any]) -> None:
    """Write the checkpoint; it appears whole or not at all.

    Args:
        output_dir: Folder of the run.
        states: Its content.

    Raises:
        OSError: If it cannot be written.
    """
    with whole_file(output_dir / FILE) as temporary:
        torch.save(dict(states), temporary)


def find_midepoch(
    output_dir: Path, epoch: int, factory: Any, accum_grad: int, device: torch.device
) -> tuple[dict[str, Any] | None, str]:
    """Read a checkpoint that was made inside an epoch, if training can resume from it.

    Every rank reads it; either all of them resume from it or none.

    Args:
        output_dir: Folder of the run.
        epoch: The next epoch to train, from 1; a file of another one is left over.
        factory: ESPnet's factory of the mini-batches of an epoch.
        accum_grad: Mini-batches per optimiser step.
        device: Device over which the ranks communicate.

    Returns:
        (its content, the reason why not): None if training begins with the whole epoch, and a
        reason if there was a file that cannot be used.
    """
    path = output_dir / FILE
    states, reason = None, ""
    if path.exists():
        try:
            states = read_states(path)
        except ValueError as error:
            reason = str(error)
    if states is not None and states["epoch"] != epoch:
        states = None
    if states is not None:
        reason = _difference(states, factory.build_iter(epoch), accum_grad)
    usable = torch.tensor(float(states is not None and not reason), device=device)
    if sum_over_ranks(usable) == rank_and_size()[1]:
        return states, ""
    if states is None and not reason:
        return None, ""
    reason = reason or "another rank cannot go on from it"
    return None, f"{path} is of no use, so training goes on from the last whole epoch: {reason}"


def _difference(states: Mapping[str, Any], loader: Any, accum_grad: int) -> str:
    """Return why a checkpoint does not fit the epoch of this run; empty: it fits."""
    rank, size = rank_and_size()
    if len(states["ranks"]) != size:
        return f"it was made by {len(states['ranks'])} processes, but now there are {size}"
    if states["accum_grad"] != accum_grad:
        return f"`accum_grad` was {states['accum_grad']} and is now {accum_grad}"
    if states["ranks"][rank]["batches"] != digest_of(loader):
        return (
            f"the mini-batches of epoch {states['epoch']} are others now (data, `batch_bins`,"
            " `seed`, sampling)"
        )
    return ""
