"""A training that stops inside an epoch, wherever that is, goes on to the same bits."""

import logging
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from soup_options import SOUP
from trained_runs import assert_same_end, load, records
from warm_python import warm_variables

from espnet_soups.task.training.midepoch.batches import KeptBatches
from espnet_soups.task.training.midepoch.checkpoint import FILE
from espnet_soups.task.training.midepoch.keeper import EpochKeeper

# Mini-batches of two utterances per language; dropout and SpecAugment draw in every one.
COMMON = ("--batch_bins", "300", "--max_epoch", "2", "--specaug", "specaug")
COMMON += ("--specaug_conf", "time_mask_width_range=[0,3]")
COMMON += ("--specaug_conf", "freq_mask_width_range=[0,2]")
COMMON += ("--encoder_conf", "dropout_rate=0.1", "--scheduler", "warmuplr")
COMMON += ("--scheduler_conf", "warmup_steps=9")
BATCHES = 10  # of an epoch
EVERY_STEP = ("--save_interval_steps", "1")
LAYERS = ("--trainer_conf", "layers=conflicting", "--trainer_conf", "selection.steps=3")
SETTINGS = {
    "joint": (),
    "muon": ("--optim", "muon", "--optim_conf", "momentum=0.9"),
    "refresh": (*SOUP, "--trainer_conf", "refresh=2"),
    "accumulation": (*SOUP, "--accum_grad", "2", "--trainer_conf", "combiner=[pcgrad,famo]"),
    "selection": (*SOUP, *LAYERS, "--trainer_conf", "gradient_norm=rows"),
}


@pytest.fixture(scope="module")
def runs(longer_runs):
    return longer_runs


class PulledPlugError(Exception):
    """What ends a training where a test wants it."""


@pytest.fixture
def ends(monkeypatch):
    """Let the next training end after so many mini-batches, by an exception or a signal."""
    whole = KeptBatches.__iter__

    def set_up(after, number=None):
        taken = [0]

        def yield_batches(self):
            for batch in whole(self):
                taken[0] += 1
                if taken[0] == after + 1 and number is None:
                    raise PulledPlugError
                if taken[0] == after and number is not None:
                    os.kill(os.getpid(), number)
                yield batch

        monkeypatch.setattr(KeptBatches, "__iter__", yield_batches)

    return set_up


@pytest.fixture(scope="module")
def whole_runs(runs):
    """Trainings that were never interrupted, and saved nothing inside an epoch."""
    done = {}

    def find(name):
        if name not in done:
            done[name] = runs.train(f"whole_{name}", *COMMON, *SETTINGS[name])
        return done[name]

    return find


def statistics_of(folder):
    """Return the training statistics of all epochs, less times."""
    stats = load(folder / "checkpoint.pth")["reporter"]["stats"]
    return {
        (epoch, key): value
        for epoch, sets in stats.items()
        for key, value in sets["train"].items()
        if "time" not in key
    }


@pytest.mark.parametrize("name", SETTINGS)
def test_interrupted_at_any_step_and_resumed_it_ends_with_the_same_bits(
    runs, whole_runs, ends, caplog, name
):
    whole, draw = whole_runs(name), random.Random(name)
    options, folder = (*COMMON, *SETTINGS[name], *EVERY_STEP), runs.root / f"cut_{name}"
    place = draw.randint(2, BATCHES - 2)
    for after in (place, BATCHES - place + draw.randint(4, BATCHES - 2)):  # one in each epoch
        ends(after)
        with pytest.raises(PulledPlugError):
            runs.train(folder.name, *options)
    ends(10**9)
    with caplog.at_level(logging.INFO):
        runs.train(folder.name, *options)
    assert re.search(r"goes on from the checkpoint inside epoch 2, step \d+ of \d+", caplog.text)
    assert_same_end(folder, whole)
    assert repr(statistics_of(folder)) == repr(statistics_of(whole))
    assert not (folder / FILE).exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_a_signal_ends_the_step_saves_and_names_how_to_go_on(runs, ends, capsys, number):
    folder = runs.root / f"stopped_{number}"
    before = [signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGUSR1)]
    ends(5, number)
    with pytest.raises(SystemExit) as stop:
        runs.train(folder.name, *COMMON)
    assert stop.value.code == 128 + number
    assert [signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGUSR1)] == before
    states = load(folder / FILE)
    assert (states["epoch"], states["done"], states["batches"]) == (1, 5, BATCHES)
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"error: Training was stopped by {number.name}: run the same command again, and it goes on"
        f" from the checkpoint inside epoch 1, step 5 of {BATCHES}."
    )


def test_a_signal_during_validation_saves_the_end_of_the_training_of_the_epoch(
    runs, whole_runs, ends, monkeypatch, caplog
):
    whole, folder = whole_runs("refresh"), runs.root / "stopped_validation"
    validated = EpochKeeper.validated

    def stop_first(self, batches):
        os.kill(os.getpid(), signal.SIGTERM)
        return validated(self, batches)

    with monkeypatch.context() as patch:
        patch.setattr(EpochKeeper, "validated", stop_first)
        with pytest.raises(SystemExit):
            runs.train(folder.name, *COMMON, *SETTINGS["refresh"])
    assert load(folder / FILE)["done"] == BATCHES
    runs.train(folder.name, *COMMON, *SETTINGS["refresh"])
    assert_same_end(folder, whole)
    assert repr(statistics_of(folder)) == repr(statistics_of(whole))


def test_skipped_steps_are_counted_over_an_interruption(runs, ends):
    options = (*COMMON, *SETTINGS["accumulation"], "--max_epoch", "1", *EVERY_STEP)
    whole = runs.train_broken("whole_broken", "fr-002", *options)
    (record,) = records(whole)
    assert record["skipped_steps"] > 0
    for after in range(3, BATCHES, 4):
        ends(after)
        folder = runs.root / f"cut_broken_{after}"
        with pytest.raises(PulledPlugError):
            runs.train_broken(folder.name, "fr-002", *options)
        ends(10**9)
        runs.train_broken(folder.name, "fr-002", *options)
        assert_same_end(folder, whole)


def cut(runs, ends, name, *options):
    """Train until after the fifth mini-batch of the second epoch; return the folder."""
    folder = runs.root / name
    ends(BATCHES + 5)
    with pytest.raises(PulledPlugError):
        runs.train(name, *COMMON, *EVERY_STEP, *options)
    assert load(folder / FILE)["epoch"] == 2
    ends(10**9)
    return folder


def test_a_damaged_one_gives_way_to_the_last_whole_epoch(runs, whole_runs, ends, caplog):
    whole, folder = whole_runs("joint"), cut(runs, ends, "damaged_midepoch")
    content = bytearray((folder / FILE).read_bytes())
    middle = len(content) // 2
    content[middle : middle + 999] = bytes(999)
    (folder / FILE).write_bytes(content)
    runs.train(folder.name, *COMMON)
    assert "is of no use, so training goes on from the last whole epoch" in caplog.text
    assert "goes on from epoch 2 of 2: 1 are done" in (folder / "resumed.txt").read_text()
    assert_same_end(folder, whole)


def test_other_mini_batches_or_steps_give_way_to_the_last_whole_epoch(
    runs, whole_runs, ends, caplog
):
    whole_runs("joint")
    folder = cut(runs, ends, "other_batches")
    kept = runs.root / "other_steps"
    shutil.copytree(folder, kept, symlinks=True)
    runs.train(folder.name, *COMMON, "--batch_bins", "2400")
    assert "the mini-batches of epoch 2 are others now" in caplog.text
    runs.train(kept.name, *COMMON, "--accum_grad", "2")
    assert "`accum_grad` was 1 and is now 2" in caplog.text
    remarks = (kept / "remarks.txt").read_text()
    assert "is of no use" in remarks


def test_one_of_another_trainer_is_refused_in_the_first_epoch(runs, ends):
    ends(3)
    with pytest.raises(PulledPlugError):
        runs.train("other_trainer", *COMMON, *SETTINGS["refresh"], *EVERY_STEP)
    config = (runs.root / "other_trainer" / "config.yaml").read_text()
    ends(10**9)
    with pytest.raises(ValueError, match="written by `trainer: msp`"):
        runs.train("other_trainer", *COMMON)
    assert (runs.root / "other_trainer" / "config.yaml").read_text() == config


@pytest.mark.parametrize("option", ["minutes", "steps"])
def test_a_negative_interval_is_refused(runs, option):
    with pytest.raises(ValueError, match=rf"`save_interval_{option}` must be 0 \(never\) or more"):
        runs.train("refused", f"--save_interval_{option}", "-1")


def test_checkpoints_come_by_the_clock_and_by_steps(tmp_path, monkeypatch):
    now, saved = [0.0], []
    for minutes, steps, expected in (
        (2, 0, [4, 8, 12]),
        (0, 3, [6, 12]),
        (3, 2, [4, 8, 12]),
        (0, 0, []),
    ):
        keeper = EpochKeeper(tmp_path, minutes, steps, 2, torch.device("cpu"), True, lambda: now[0])
        keeper.total, keeper._saved_at, keeper._saved_time = 13, 0, now[0]
        monkeypatch.setattr(keeper, "_save", lambda done, keeper=keeper: save(keeper, done))
        saved.clear()

        def save(keeper, done):
            saved.append(done)
            keeper._saved_at, keeper._saved_time = done, now[0]

        for done in range(13):
            keeper.between(done)
            now[0] += 31.0
        assert saved == expected, (minutes, steps)


def command_of(runs, folder, *options):
    words = ["-m", "espnet_soups.bin.msp_train", *runs.options, *COMMON, *options]
    return [*words, "--output_dir", str(folder)]


def wait_for(path, process):
    deadline = time.monotonic() + 500
    while not path.exists():
        assert process.poll() is None, process.communicate()[1][-3000:]
        assert time.monotonic() < deadline
        time.sleep(0.02)


def stop_and_resume(runs, folder, start, stop, options):
    """Start a command, stop it once it has saved inside an epoch, run it again to its end."""
    environment = {k: v for k, v in os.environ.items() if k != "CUDA_VISIBLE_DEVICES"}
    if start:  # else a signal to the group must reach the processes that load data
        environment |= warm_variables()
    words = [sys.executable, *start, *command_of(runs, folder, *options, *EVERY_STEP)]
    first = subprocess.Popen(
        words, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True
    )
    wait_for(folder / FILE, first)
    stop(first)
    said = first.communicate(timeout=300)[1]
    environment |= warm_variables()
    again = subprocess.run(words, capture_output=True, text=True, env=environment, timeout=600)
    assert again.returncode == 0, again.stderr[-3000:]
    return first.returncode, said, again.stderr


def test_a_training_whose_processes_are_all_asked_to_stop_saves_and_goes_on(runs):
    options = (*SETTINGS["refresh"], "--max_epoch", "3", "--num_workers", "2")
    whole = runs.train("whole_workers", *COMMON, *options)
    folder = runs.root / "stopped_workers"
    status, said, again = stop_and_resume(
        runs, folder, (), lambda process: os.killpg(process.pid, signal.SIGTERM), options
    )
    assert status == 128 + signal.SIGTERM, said[-3000:]
    assert re.search(
        r"^error: Training was stopped by SIGTERM: run the same command again, and it goes on"
        r" from (the checkpoint inside epoch \d, step \d+ of \d+|epoch \d)\.$",
        said,
        re.MULTILINE,
    )
    assert "goes on from " in again
    assert_same_end(folder, whole)


TORCHRUN = ("-m", "torch.distributed.run", "--nproc_per_node", "2")
TORCHRUN += ("--rdzv_backend", "c10d", "--rdzv_endpoint", "localhost:0")


def last_rank_of(process):
    """Return the process id of the last rank that torchrun has started."""
    path = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    ranks = [
        int(pid)
        for pid in path.read_text().split()
        if "espnet_soups.bin.msp_train" in Path(f"/proc/{pid}/cmdline").read_text()
    ]
    assert len(ranks) == 2
    return ranks[-1]


def test_a_signal_to_one_of_two_ranks_stops_both_at_the_same_step(runs_of_two_ranks):
    runs, options = runs_of_two_ranks, (*SETTINGS["refresh"], "--max_epoch", "3")
    environment = {k: v for k, v in os.environ.items() if k != "CUDA_VISIBLE_DEVICES"}
    environment |= warm_variables()
    whole = runs.root / "whole_ranks"
    words = [sys.executable, *TORCHRUN, *command_of(runs, whole, *options)]
    done = subprocess.run(words, capture_output=True, text=True, env=environment, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]
    folder = runs.root / "stopped_ranks"
    status, said, again = stop_and_resume(
        runs,
        folder,
        TORCHRUN,
        lambda process: os.kill(last_rank_of(process), signal.SIGUSR1),
        options,
    )
    assert status != 0
    assert said.count("error: Training was stopped by SIGUSR1: run the same command again") == 2
    assert "goes on from " in again
    assert_same_end(folder, whole)
