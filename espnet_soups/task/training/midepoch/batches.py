"""The mini-batches of an epoch, from any of them on."""

import hashlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from torch.utils.data import DataLoader

from espnet_soups.task.training.midepoch.signals import be_patient


def digest_of(loader: "DataLoader[Any]") -> str:
    """Return a digest of all utterance ids of an epoch, in order and by mini-batch."""
    digest = hashlib.sha256()
    for batch in loader.batch_sampler or ():
        digest.update(" ".join(map(str, batch)).encode() + b"\n")
    return digest.hexdigest()


def without_first(loader: "DataLoader[Any]", done: int) -> "DataLoader[Any]":
    """Return a loader of the same mini-batches less the first ones, which are not even loaded.

    Args:
        loader: What ESPnet's iterator factory has built.
        done: How many are left out.
    """
    return DataLoader(
        dataset=loader.dataset,
        batch_sampler=list(loader.batch_sampler or ())[done:],
        num_workers=loader.num_workers,
        collate_fn=loader.collate_fn,
        pin_memory=loader.pin_memory,
        prefetch_factor=loader.prefetch_factor,
        multiprocessing_context=loader.multiprocessing_context,
        worker_init_fn=partial(_start_worker, loader.worker_init_fn),
    )


def _start_worker(start: Callable[[int], None] | None, worker: int) -> None:
    be_patient()
    if start is not None:
        start(worker)


class KeptBatches:
    """The mini-batches that are left of an epoch, and a look between them.

    Args:
        loader: All mini-batches of the epoch.
        done: How many have been trained before.
        begin: Called once, when the loader has been opened (which draws a random number).
        between: Called with the number of those that are done before each is taken, and when none
            is left. All that ESPnet does with the one before has been done by then.
    """

    def __init__(
        self,
        loader: "DataLoader[Any]",
        done: int,
        begin: Callable[[], None],
        between: Callable[[int], None],
    ) -> None:
        self.size, self.done = len(loader), done
        self.rest = without_first(loader, done)
        self.begin, self.between = begin, between

    def __len__(self) -> int:
        """Return how many mini-batches the whole epoch has."""
        return self.size

    def __iter__(self) -> Iterator[Any]:
        """Yield those that are left."""
        rest = iter(self.rest)
        self.begin()
        for done in range(self.done, self.size):
            self.between(done)
            yield next(rest)
        self.between(self.size)
