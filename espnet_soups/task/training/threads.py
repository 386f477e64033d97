"""Choose the threads of a training on CPUs by the load of the machine."""

import logging
from typing import Any

import torch

from espnet_soups.free_cores import choose_threads, measure_free_cores


class ThreadChooser:
    """Chooser of PyTorch's threads at the beginning of every epoch.

    On a core that other work uses, a second thread makes a step slower: the first waits for it at
    the end of every operation.

    Args:
        most: The largest number of threads to use.
    """

    def __init__(self, most: int) -> None:
        self.most = most

    def choose(self) -> int:
        """Set the threads to the number of cores that are free now, log it, and return it."""
        free = measure_free_cores()
        threads = choose_threads(free, self.most)
        torch.set_num_threads(threads)
        known = "their load is not known" if free is None else f"{free:.1f} free of other work"
        logging.info(
            f"Threads: {threads}, of {self.most} cores {known} (`--num_threads` sets them)"
        )
        return threads


def chooser_of(settings: dict[str, Any], distributed: bool) -> ThreadChooser | None:
    """Return the chooser of the threads of a training.

    Args:
        settings: ESPnet's options and ours.
        distributed: Whether other ranks may share the cores.

    Returns:
        The chooser; None: the threads stay as they are, also on GPUs and with several ranks.
    """
    if not settings["adapt_threads"] or settings["ngpu"] > 0 or distributed:
        return None
    return ThreadChooser(torch.get_num_threads())
