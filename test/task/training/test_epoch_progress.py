"""A long epoch says on the terminal how far it is."""

import json

import pytest

from espnet_soups.bin.follow_training import Progress, Remarks
from espnet_soups.task.training.epoch_progress import WatchedBatches


def written_after(tmp_path, seconds_of_a_batch, batches, first):
    """Return the mini-batches after which the file was written."""
    now = iter(range(0, 10**9, seconds_of_a_batch))
    path, found = tmp_path / "progress.json", []
    watched = WatchedBatches(list(range(batches)), path, 1, first, lambda: float(next(now)))
    assert len(watched) == batches
    for batch in watched:
        if path.exists():
            record = json.loads(path.read_text())
            assert record["done"] == batch
            found.append(batch)
            path.unlink()
    return found


@pytest.mark.parametrize(
    ("seconds", "batches", "first", "expected"),
    [
        (1, 200, 10, [10, 59]),  # the log interval, then a minute
        (1, 200, 45, [45]),  # shortly before the minute: no second line
        (30, 60, 10, [1, 10, 30, 50]),  # a minute comes first; then every ten minutes
        (1, 200, None, []),  # of a later epoch
        (1, 700, None, [599]),
        (1, 5, 10, []),
    ],
)
def test_it_is_written_after_the_log_interval_a_minute_and_every_ten_minutes(
    tmp_path, seconds, batches, first, expected
):
    found = written_after(tmp_path, seconds, batches, first)
    assert found == expected


def test_the_follower_prints_a_line_of_this_run_alone(tmp_path, capsys):
    (tmp_path / "config.yaml").write_text("max_epoch: 5\n")
    path = tmp_path / "progress.json"
    path.write_text("{}")  # of an earlier run
    progress = Progress(tmp_path)
    progress.tell()
    assert capsys.readouterr().out == ""
    path.write_text('{"epoch": 1, "done": 50, "batches": 1000, "seconds": 60.0}')
    progress.tell()
    progress.tell()
    assert capsys.readouterr().out == (
        "  epoch 1/5: 50 of 1,000 mini-batches in 60 s, about 20 min for the epoch\n"
    )


def test_a_remark_that_is_added_later_is_printed_alone(tmp_path, capsys):
    remarks = Remarks(tmp_path / "remarks.txt")
    (tmp_path / "remarks.txt").write_text("one\n")
    remarks.tell()
    (tmp_path / "remarks.txt").write_text("one\ntwo\n")
    remarks.tell()
    assert capsys.readouterr().out == "  warning: one\n  warning: two\n"
