"""Where tasks on a corpus are done."""

import os

import pytest

from espnet_soups.data.worker_pool import worker_pool


def test_a_task_alone_is_done_here_and_several_elsewhere():
    with worker_pool(jobs=4, tasks=1) as pool:
        assert pool.submit(os.getpid).result() == os.getpid()
    with worker_pool(jobs=1, tasks=2) as pool:
        others = {pool.submit(os.getpid).result() for _ in range(2)}
    assert len(others) == 1
    assert os.getpid() not in others


def test_what_ends_a_task_ends_who_waits_for_it():
    with worker_pool(jobs=4, tasks=1) as pool:
        begun = pool.submit(os.stat, "nowhere")
    with pytest.raises(FileNotFoundError, match="nowhere"):
        begun.result()
