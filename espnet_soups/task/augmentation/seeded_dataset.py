"""Make random changes of utterances a function of seed, epoch and mini-batch alone."""

import random
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import numpy as np
from espnet2.train.dataset import AbsDataset


class SeededDataset(AbsDataset):
    """Data set whose random changes do not depend on workers, ranks or interruptions.

    ESPnet seeds each worker of an epoch once. A training that is resumed inside an epoch would so
    see other noise than one that was not interrupted. Here each mini-batch has a seed of its own.

    Args:
        dataset: ESPnet's data set, whose preprocessor draws from the global generators.
        seed: Seed of the run.
    """

    def __init__(self, dataset: AbsDataset, seed: int) -> None:
        self.dataset, self.seed, self.epoch = dataset, seed, 0

    def has_name(self, name: str) -> bool:
        """Return whether the data have a name.

        Args:
            name: The name.
        """
        return bool(self.dataset.has_name(name))

    def names(self) -> tuple[str, ...]:
        """Return the names of the data."""
        return tuple(self.dataset.names())

    def __getitem__(self, uid: str) -> tuple[str, dict[str, np.ndarray]]:
        """Return an utterance; see `__getitems__`."""
        return self.__getitems__([uid])[0]

    def __getitems__(self, uids: Sequence[str]) -> list[Any]:
        """Return the utterances of a mini-batch: PyTorch calls this in place of `__getitem__`."""
        words = f"{self.seed} {self.epoch} {' '.join(uids)}".encode()
        number = int.from_bytes(blake2b(words, digest_size=4).digest(), "big")
        python, numpy = random.getstate(), np.random.get_state()
        random.seed(number)
        np.random.seed(number)
        try:
            return [self.dataset[uid] for uid in uids]
        finally:  # in the process of the training, others draw from them, too
            random.setstate(python)
            np.random.set_state(numpy)
