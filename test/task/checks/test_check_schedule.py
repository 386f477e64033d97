"""A schedule that is shorter or longer than training is told before the first step."""

import pytest

from espnet_soups.task.checks.check_schedule import check_schedule


def settings(name="onecyclelr", **conf):
    return {"scheduler": name, "scheduler_conf": conf, "max_epoch": 3, "accum_grad": 2}


def test_a_schedule_that_is_too_short_is_refused_with_the_number_that_fits():
    said = (
        r"^`scheduler: onecyclelr` lasts 5 steps, but training 6 \(5 mini-batches x `max_epoch` 3 /"
        r" `accum_grad` 2\), and would end in an error: set `total_steps: 6`\.$"
    )
    with pytest.raises(ValueError, match=said):
        check_schedule(settings(total_steps=5), 5)
    with pytest.raises(ValueError, match="lasts 4 steps"):
        check_schedule(settings(epochs=2, steps_per_epoch=2), 5)


def test_a_schedule_that_never_comes_down_is_warned_of():
    warning = check_schedule(settings(total_steps=60), 5)
    assert warning is not None
    assert "never comes down to its end: set `total_steps: 6`" in warning
    for name, conf in (("tristagelr", {"max_steps": 9}), ("cosineannealinglr", {"T_max": 9})):
        assert "never comes down" in str(check_schedule(settings(name, **conf), 5))


def test_schedules_that_rest_at_their_end_may_end_early_with_a_warning():
    assert "ends before training" in str(check_schedule(settings("tristagelr", max_steps=5), 5))


@pytest.mark.parametrize(
    ("name", "conf", "batches"),
    [
        ("onecyclelr", {"total_steps": 6}, 5),
        ("onecyclelr", {"total_steps": 1}, None),  # how many mini-batches is not known yet
        ("cosineannealinglr", {"T_max": 3}, 5),
        ("warmuplr", {"warmup_steps": 1}, 5),
        (None, {}, 5),
    ],
)
def test_what_fits_or_has_no_end_is_not_told(name, conf, batches):
    assert check_schedule(settings(name, **conf), batches) is None


def test_training_refuses_a_short_schedule_before_its_first_step(runs):
    words = ("--scheduler", "onecyclelr", "--scheduler_conf", "max_lr=0.01")
    words += ("--scheduler_conf", "total_steps=2", "--max_epoch", "2")
    with pytest.raises(ValueError, match=r"lasts 2 steps, but training .* set `total_steps: \d+`"):
        runs.train("short_schedule", *words)
    assert not (runs.root / "short_schedule" / "checkpoint.pth").exists()
