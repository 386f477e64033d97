"""Let one run at a time fill a folder that several runs share."""

import fcntl
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def one_at_a_time(folder: Path) -> Iterator[None]:
    """Wait until no other run fills a folder, and hold others up until the block ends.

    The lock is one on the folder itself: it leaves no file, and ends with its process, however that
    ends. NFS locks no folders: there the log names the danger, and nothing is held up.

    Args:
        folder: The folder; one that is missing is made.

    Raises:
        OSError: If the folder cannot be made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        _lock(handle, folder)
        yield
    finally:
        os.close(handle)


def _lock(handle: int, folder: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        logging.info(f"Waiting for another run that fills {folder}")
        fcntl.flock(handle, fcntl.LOCK_EX)
    except OSError as error:
        logging.warning(
            f"{folder} cannot be locked ({error.strerror}): let no other run fill it meanwhile"
        )
