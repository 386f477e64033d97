"""A long epoch says on the terminal and in the log how far it is."""

import json
import logging

import pytest
import torch
from espnet2.train.reporter import SubReporter

from espnet_soups.bin.follow_training import Progress, Remarks
from espnet_soups.task.training.epoch_progress import WatchedBatches, seconds_of_frame


def train(tmp_path, batches, seconds, accum_grad=1, done=0, frame_seconds=None):
    """Train mini-batches of so many seconds; return the records of `progress.json`."""
    now, found = [0.0], []
    path = tmp_path / "progress.json"
    reporter = SubReporter("train", 3, 0)

    class Source(list):
        def __iter__(self):
            for batch in super().__iter__():
                yield batch
                reporter.register({"loss": now[0] or float("nan")})
                reporter.next()
                now[0] += seconds

    lengths = {"speech_lengths": torch.tensor([100, 60])}
    source = Source([((), lengths)] * (batches - done))
    source.done = done
    watched = WatchedBatches(source, path, reporter, 5, accum_grad, frame_seconds, lambda: now[0])
    assert len(watched) == batches - done
    for _ in watched:
        if path.exists():
            found.append(json.loads(path.read_text()))
            path.unlink()
    return found


def test_the_file_is_written_every_two_seconds_from_the_first_whole_step_on(tmp_path):
    found = train(tmp_path, batches=9, seconds=0.7, accum_grad=2)
    assert [record["seconds"] for record in found] == pytest.approx([2.1, 4.2])
    assert [record["made"] for record in found] == [1, 3]  # 3 and 6 mini-batches
    assert found[0]["steps"] == 4


def test_it_knows_the_audio_the_recent_losses_and_the_time_that_is_left(tmp_path):
    (record, *_) = train(tmp_path, batches=5, seconds=2.0, frame_seconds=0.04)
    assert record["audio"] == pytest.approx(160 * 0.04)
    assert record["loss"] is None, "the only loss so far is none"
    last = train(tmp_path, batches=5, seconds=2.0, frame_seconds=0.04)[-1]
    assert last["loss"] == pytest.approx((2 + 4 + 6) / 3)
    assert last["line"] == (
        "epoch 3/5: step 4 of 5, 3 s of audio per second, loss 4.000; about 2 s left, 22 s in all"
    )


def test_a_resumed_epoch_reckons_with_the_steps_of_this_process_alone(tmp_path):
    found = train(tmp_path, batches=100, seconds=10.0, done=90)
    assert (found[0]["made"], found[0]["here"]) == (91, 1)
    assert found[0]["line"].startswith("epoch 3/5: step 91 of ")


def test_the_log_has_a_line_a_minute(tmp_path, caplog):
    with caplog.at_level(logging.INFO):
        train(tmp_path, batches=40, seconds=5.0)
    lines = [line for line in caplog.messages if line.startswith("epoch 3/5: step ")]
    assert [line.split()[3] for line in lines] == ["12", "24", "36"]


@pytest.mark.parametrize(
    ("conf", "expected"),
    [
        ({}, None),
        ({"type": "raw", "fs": 8000}, 1 / 8000),
        ({"type": "fbank", "fs": 8000, "stack": 4}, 0.04),
    ],
)
def test_the_seconds_of_a_frame_follow_from_the_features(conf, expected):
    assert seconds_of_frame({"feats_conf": conf}) == expected


def record_of(seconds, epoch=1):
    return json.dumps({"epoch": epoch, "seconds": seconds, "line": f"{epoch}: {seconds:.0f} s"})


def test_the_follower_prints_a_line_a_minute_into_a_file(tmp_path, capsys):
    path = tmp_path / "progress.json"
    path.write_text("{}")  # of an earlier run
    progress = Progress(tmp_path)
    progress.tell()
    for seconds in range(2, 170, 2):
        path.unlink()  # so that the time of the file differs
        path.write_text(record_of(float(seconds)))
        progress.tell()
        progress.tell()
    for seconds in (2.0, 30.0, 62.0):
        path.unlink()
        path.write_text(record_of(seconds, epoch=2))
        progress.tell()
    out = capsys.readouterr()
    assert out.out.split("\n") == ["  1: 20 s", "  1: 80 s", "  1: 140 s", "  2: 62 s", ""]
    assert out.err == ""


def test_on_a_terminal_the_line_renews_itself(tmp_path, capsys, monkeypatch):
    progress = Progress(tmp_path)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "13")
    (tmp_path / "progress.json").write_text(record_of(3.0, epoch=12345))
    progress.tell()
    out = capsys.readouterr()
    assert (out.out, out.err) == ("", "\r  12345: 3 s\033[K\r")


def test_a_remark_that_is_added_later_is_printed_alone(tmp_path, capsys):
    remarks = Remarks(tmp_path / "remarks.txt")
    (tmp_path / "remarks.txt").write_text("one\n")
    remarks.tell()
    (tmp_path / "remarks.txt").write_text("one\ntwo\n")
    remarks.tell()
    assert capsys.readouterr().out == "  warning: one\n  warning: two\n"
