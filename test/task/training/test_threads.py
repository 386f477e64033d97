"""Threads of a training by the load of the machine."""

import logging

import pytest
import torch

from espnet_soups.report.train_log import read_train_log
from espnet_soups.task.training import threads
from espnet_soups.task.training.threads import ThreadChooser, chooser_of

SETTINGS = {"adapt_threads": True, "ngpu": 0}


@pytest.fixture(autouse=True)
def _same_threads_afterwards():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(("free", "used"), [(3.9, 4), (1.2, 1), (0.0, 1), (None, 4)])
def test_the_threads_of_torch_follow_the_free_cores_and_the_log_and_report_know(
    monkeypatch, caplog, tmp_path, free: float | None, used: int
):
    monkeypatch.setattr(threads, "measure_free_cores", lambda: free)
    with caplog.at_level(logging.INFO):
        assert ThreadChooser(4).choose() == used
    assert torch.get_num_threads() == used
    # as ESPnet formats its log
    line = f"[host] 2026-01-01 00:00:00,000 (threads:36) INFO: {caplog.messages[-1]}\n"
    (tmp_path / "train.log").write_text(f"# threads 9, GPUs as they are\n{line}")
    assert read_train_log(tmp_path).chosen == {used}


@pytest.mark.parametrize(
    ("changes", "distributed"),
    [({"adapt_threads": False}, False), ({"ngpu": 1}, False), ({}, True)],
)
def test_fixed_threads_gpus_and_ranks_are_left_alone(changes, distributed: bool):
    assert chooser_of(SETTINGS | changes, distributed) is None


def test_the_most_is_what_torch_was_started_with():
    torch.set_num_threads(2)
    chooser = chooser_of(SETTINGS, False)
    assert chooser is not None
    assert chooser.most == 2
