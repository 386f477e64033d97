"""Following a training: each finished epoch once, none that was there before."""

import json
from pathlib import Path

from espnet_soups.report.follow import describe_epoch, follow_epochs


def test_epochs_that_are_finished_meanwhile_are_given_once(tmp_path: Path):
    path = tmp_path / "soup.jsonl"
    path.write_text(json.dumps({"epoch": 1}) + "\n")
    looks = iter([False, False, False, True])

    def stop() -> bool:
        last = next(looks)
        number = len(path.read_text().splitlines())
        if not last and number < 3:
            with path.open("a") as file:
                file.write(json.dumps({"epoch": number + 1}) + "\n")
        return last

    assert [record["epoch"] for record in follow_epochs(tmp_path, stop, pause=0.0)] == [2, 3]


def test_a_run_that_has_no_records_yet_gives_none(tmp_path: Path):
    looks = iter([False, True])
    assert list(follow_epochs(tmp_path / "exp", lambda: next(looks), pause=0.0)) == []


def test_unknown_losses_do_not_count():
    record = {"epoch": 5, "seconds": 10.0, "loss": {"a": None, "b": 2.0}, "valid_loss": {"a": 1.0}}
    assert describe_epoch(record, 5) == (
        "epoch 5/5: train loss 2.000, valid loss 1.000; 10 s, the last one"
    )
