"""Start processes that work on a corpus and never outlive the command that started them."""

import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from multiprocessing import get_context, parent_process
from typing import Any


def worker_pool(jobs: int, tasks: int) -> Executor:
    """Return a pool of processes that leave signals to the parent and end when it is killed.

    A task alone is done in this process, since starting another one takes seconds.

    Args:
        jobs: Number of processes.
        tasks: Number of tasks.
    """
    return _Here() if tasks < 2 else ProcessPoolExecutor(jobs, get_context("spawn"), _begin)


class _Here(Executor):
    """Does each task at once, in this process."""

    def submit(self, task: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(task(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


def _begin() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)  # a normal exit would wait for the pool's queue forever
