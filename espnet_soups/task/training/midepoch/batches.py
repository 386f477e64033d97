"""Iterate over the mini-batches of an epoch, from any of them on."""

import hashlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from torch.utils.data import DataLoader

from espnet_soups.task.training.midepoch.signals import be_patient


def digest_of(loader: "DataLoader[Any]") -> str:
    """Return a digest of all utterance ids of an epoch, in order and by mini-batch.

    Args:
        loader: ESPnet's loader of the epoch.
    """
    digest = hashlib.sha256()
    for batch in loader.batch_sampler or ():
        digest.update(" ".join(map(str, batch)).encode() + b"\n")
    return digest.hexdigest()


def without_first(loader: "DataLoader[Any]", done: int) -> "DataLoader[Any]":
    """Return a loader of the same mini-batches without the first ones, which are not even loaded.

    Args:
        loader: ESPnet's loader of the epoch.
        done: Number of mini-batches to leave out.
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
    """Iterator over the remaining mini-batches of an epoch, with a call before each.

    Args:
        loader: Loader of all mini-batches of the epoch.
        done: Number of those that have been trained before.
        begin: Function that is called once, after the loader has been opened (which draws a random
            number).
        between: Function that is called with the number of mini-batches done, before each is taken
            and at the end. ESPnet has finished all work on the previous one by then.
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
        """Return the number of mini-batches in the whole epoch."""
        return self.size

    def __iter__(self) -> Iterator[Any]:
        """Yield the remaining mini-batches."""
        rest = iter(self.rest)
        self.begin()
        for done in range(self.done, self.size):
            self.between(done)
            yield next(rest)
        self.between(self.size)
