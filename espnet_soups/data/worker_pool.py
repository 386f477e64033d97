"""Start processes that work on a corpus and never outlive the command that started them."""

import os
import signal
import threading
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context, parent_process


def worker_pool(jobs: int) -> ProcessPoolExecutor:
    """Return a pool of processes that leave signals to the parent and end when it is killed.

    Args:
        jobs: Number of processes.
    """
    return ProcessPoolExecutor(jobs, get_context("spawn"), _begin)


def _begin() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)  # a normal exit would wait for the pool's queue forever
