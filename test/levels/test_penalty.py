import pytest

from espnet_soups.levels.penalty import PenaltySchedule, build_penalties


def test_the_papers_penalty_grows_by_two_hundredths_an_epoch_up_to_one_and_a_half():
    schedule = PenaltySchedule()
    assert schedule.at(1, 200) == 0.0
    assert schedule.at(51, 200) == pytest.approx(1.0)
    assert schedule.at(76, 200) == schedule.at(200, 200) == 1.5


def test_a_ramp_gives_a_short_run_the_curve_of_a_long_one():
    schedule = PenaltySchedule(max=1.5, ramp=0.5)
    short = [schedule.at(1 + n, 20) for n in range(20)]
    long = [schedule.at(1 + 10 * n, 200) for n in range(20)]
    assert short == pytest.approx(long)
    assert short[10] == 1.5


def test_levels_without_a_setting_get_the_papers_schedule_and_the_top_none():
    schedules = build_penalties([{"level": 3, "init": 1.0}], levels=3)
    assert schedules == [None, PenaltySchedule(), PenaltySchedule(init=1.0)]


def test_a_setting_for_a_level_that_ssl_would_have_is_left_aside():
    assert build_penalties([{"level": 3}], levels=2) == [None, PenaltySchedule()]


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"init": 0.1}, "own `level`"),
        ({"level": 1}, "own `level`"),
        ({"level": 2, "growth": 1}, r"'growth'"),
        ({"level": 2, "increment": -0.1}, "`increment`.*-0.1"),
        ({"level": 2, "init": 2.0}, "below `init`"),
        ({"level": 2, "ramp": 1.5}, "`ramp`.*1.5"),
    ],
)
def test_what_cannot_be_a_penalty_is_refused(setting, said):
    with pytest.raises(ValueError, match=said):
        build_penalties([setting], levels=2)


def test_a_level_named_twice_is_refused():
    with pytest.raises(ValueError, match="own `level`"):
        build_penalties([{"level": 2}, {"level": 2}], levels=2)
