"""Which rank is lost, by the store that ranks meet in; whole trainings: test/reliability."""

import argparse
import os
import signal
import threading

import pytest
import torch
from torch.distributed import DistNetworkError, HashStore
from torch.multiprocessing import ProcessExitedException

from espnet_soups.task.lost_ranks import RollCall, describe_ended, watch_ranks

BEAT, PATIENCE = 0.02, 1.0


def roll_calls(store, ranks, size=3):
    return [RollCall(store, rank, size, BEAT, PATIENCE) for rank in ranks]


def stop(calls):
    for call in calls:
        call.stop()


def test_a_rank_without_signs_of_life_is_lost_and_one_that_waits_is_not():
    calls = roll_calls(HashStore(), (0, 1))
    asks = calls[1]
    asks.answer()
    assert asks.lost() == {2: ""}, "rank 0 has not answered, but it lives"
    stop(calls)


def test_where_all_live_the_one_that_does_not_answer_is_lost():
    calls = roll_calls(HashStore(), (0, 1, 2))
    calls[0].answer()
    calls[2].answer()
    assert calls[0].lost() == {1: ""}
    stop(calls)


def test_a_rank_that_has_ended_by_an_error_of_its_own_is_quoted_at_once():
    fails, asks = calls = roll_calls(HashStore(), (2, 0))
    fails.answer("the disk of this machine is broken.")
    fails.stop()
    asks.answer()
    assert asks.lost() == {2: "the disk of this machine is broken."}
    stop(calls)


def test_no_rank_is_lost_where_all_answer():
    calls = roll_calls(HashStore(), (0, 1, 2))
    for call in calls:
        call.answer()
    assert [call.lost() for call in calls] == [{}, {}, {}]
    stop(calls)


class BrokenStore(HashStore):
    """What is left of a store whose keeper has ended."""

    def add(self, key, number):
        raise DistNetworkError("Broken pipe")


def test_without_a_store_the_rank_that_keeps_it_is_lost():
    [asks] = roll_calls(BrokenStore(), (1,), size=2)
    assert asks.lost() == {0: ""}
    asks.stop()


class SilentStore(HashStore):
    """A store whose keeper stands still: no call comes back."""

    def add(self, key, number):
        threading.Event().wait()

    set = check = add


def test_where_the_store_is_silent_the_rank_that_keeps_it_is_lost_and_nothing_hangs():
    asks = RollCall(SilentStore(), 1, 2, BEAT, patience=0.1)
    asks.answer("the disk of this machine is broken.")
    assert asks.lost() == {0: ""}
    asks.stop()


def options(**given):
    defaults = {"distributed": True, "dist_timeout": 20.0, "multiprocessing_distributed": False}
    return argparse.Namespace(**defaults | given)


def meet(folder, rank=0, size=1):
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/store", rank=rank, world_size=size
    )


def test_the_time_limit_reaches_the_group_and_pytorch_is_left_as_it_was(tmp_path):
    begin, threads = torch.distributed.init_process_group, threading.active_count()
    with watch_ranks(options(), lambda: "here"):
        meet(tmp_path)
        try:
            group = torch.distributed.group.WORLD._get_backend(torch.device("cpu"))
            assert group.options._timeout.total_seconds() == 20
        finally:
            torch.distributed.destroy_process_group()
    assert torch.distributed.init_process_group is begin
    assert threading.active_count() <= threads + 1, "no sign of life is left any more"


def test_ranks_that_do_not_meet_end_in_a_sentence(tmp_path):
    with (
        pytest.raises(ConnectionError, match=r"have not met within 1 s \(`--dist_timeout`\)"),
        watch_ranks(options(dist_timeout=1.0), lambda: "the start"),
    ):
        meet(tmp_path, size=2)


def test_errors_of_this_rank_alone_stay_as_they_are(tmp_path):
    for error in (RuntimeError("out of memory"), ValueError("no such file"), KeyboardInterrupt()):
        with pytest.raises(type(error)) as caught, watch_ranks(options(), lambda: "here"):
            raise error
        assert caught.value is error


def test_a_rank_that_espnet_has_started_ends_in_a_sentence(capfd):
    with (
        pytest.raises(SystemExit, match=r"^error: The file is missing\.$"),
        watch_ranks(options(multiprocessing_distributed=True), lambda: "here"),
    ):
        raise ValueError("The file is missing.")


def test_without_other_ranks_nothing_is_done():
    with (
        pytest.raises(RuntimeError, match="gloo/transport"),
        watch_ranks(options(distributed=False), lambda: "here"),
    ):
        raise RuntimeError("[gloo/transport/tcp/pair.cc:561] Connection closed by peer")


def test_sigterm_of_torchrun_is_told_and_its_handler_is_put_back(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "none")
    before = signal.getsignal(signal.SIGTERM)

    def train():
        with watch_ranks(options(), lambda: "epoch 2, mini-batch 3 of 12"):
            meet(tmp_path)
            torch.distributed.destroy_process_group()
            os.kill(os.getpid(), signal.SIGTERM)

    told = "ended by SIGTERM while rank 0 of 1 was at epoch 2, mini-batch 3 of 12. Then run"
    with pytest.raises(ConnectionError, match=told):
        train()
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ProcessExitedException("", 1, 7, -9, "SIGKILL"), "Process 1 .* with SIGKILL, so look"),
        (ProcessExitedException("", 0, 7, 1), "Process 0 .* with status 1, see its own message"),
    ],
)
def test_the_launcher_of_espnet_names_the_process_that_has_ended(error, told):
    with pytest.raises(ConnectionError, match=told):
        raise ConnectionError(describe_ended(error))
