"""What is read out of ESPnet's train.log."""

import numpy as np
import pytest

from espnet_soups.report.history import read_history
from espnet_soups.report.train_log import parse_duration, read_train_log

# Lines as ESPnet 202611 writes them.
HEAD = "[host] 2026-11-24 10:00:00,000 (trainer:392) INFO: "
FIRST = (
    HEAD + "1epoch results: [train] iter_time=1.2e-04, loss=5.000, loss/asr_fr=3.000,"
    " loss/st_fr_en=2.000e-04, optim0_lr0=1.0e-04, time=1 minute and 1.5 seconds, total_count=9,"
    " [valid] loss=6.000, loss/asr_fr=3.300, loss/st_fr_en=nan, time=2.3 seconds, total_count=3"
)
SECOND = (
    HEAD + "2epoch results: [train] loss=1.667, loss/asr_fr=1.000, loss/st_fr_en=-1.5,"
    " time=1 hour, 1 minute and 1.5 seconds, total_count=3, [valid] loss=2.000,"
    " loss/asr_fr=1.100, time=0 seconds, total_count=1, gpu_max_cached_mem_GB=0.000"
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0 seconds", 0.0),
        ("59.99 seconds", 59.99),
        ("1 minute and 1.5 seconds", 61.5),
        ("2 hours, 3 minutes and 4 seconds", 7384.0),
        ("1 week, 1 day and 1 hour", 694800.0),
    ],
)
def test_time_spans_are_read_as_espnet_writes_them(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


def test_losses_times_and_parameters_are_found(tmp_path) -> None:
    (tmp_path / "train.log").write_text(
        f"    Number of trainable parameters: 812.53 K (99.1%)\n{FIRST}\nnoise\n{SECOND}\n"
    )
    log = read_train_log(tmp_path)
    assert log.parameters == 812_530
    assert log.seconds == {1: pytest.approx(61.5), 2: pytest.approx(3661.5)}
    history = read_history(tmp_path, log)
    assert history.objectives == ["asr_fr", "st_fr_en"]
    assert history.losses["st_fr_en"].tolist() == [2e-4, -1.5]
    assert history.valid_losses["asr_fr"].tolist() == [3.3, 1.1]
    assert np.isnan(history.valid_losses["st_fr_en"]).all()
    assert history.levels == []
    assert history.cosines is None


def test_rotated_logs_come_first_and_later_epochs_win(tmp_path) -> None:
    (tmp_path / "train.2.log").write_text(FIRST.replace("asr_fr=3.000", "asr_fr=9.000") + "\n")
    (tmp_path / "train.1.log").write_text(FIRST + "\n")
    (tmp_path / "train.log").write_text(SECOND + "\n")
    history = read_history(tmp_path, read_train_log(tmp_path))
    assert history.epochs == [1, 2]
    assert history.losses["asr_fr"].tolist() == [3.0, 1.0]


def test_an_experiment_without_an_epoch_is_refused(tmp_path) -> None:
    (tmp_path / "train.log").write_text("nothing yet\n")
    with pytest.raises(ValueError, match="has no finished epoch"):
        read_history(tmp_path, read_train_log(tmp_path))


def test_threads_and_host_are_those_of_the_last_log(tmp_path) -> None:
    head = "# python -m train\n# started at 2026-11-24 21:44:32 +0000 on {} in /a b\n"
    (tmp_path / "train.1.log").write_text(head.format("old") + "# threads 8, GPUs as they are\n")
    (tmp_path / "train.log").write_text(head.format("new") + "# threads 2, GPUs 0,1\n")
    log = read_train_log(tmp_path)
    assert (log.threads, log.host) == (2, "new")
    (tmp_path / "train.1.log").unlink()
    (tmp_path / "train.log").write_text("a log of ESPnet's own launcher\n")
    log = read_train_log(tmp_path)
    assert (log.threads, log.host) == (None, None)
