from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from espnet_soups.levels.penalty import SHAPES, PenaltySchedule, build_penalties


def test_the_papers_penalty_grows_by_two_hundredths_an_epoch_up_to_one_and_a_half():
    schedule = PenaltySchedule(increment=0.02)
    assert schedule.at(0, 200) == schedule.at(0.9, 200) == 0.0
    assert schedule.at(50, 200) == pytest.approx(1.0)
    assert schedule.at(75, 200) == schedule.at(200, 200) == 1.5


def test_by_default_a_run_of_any_length_sees_the_papers_curve_and_moves_with_every_step():
    schedule, papers = PenaltySchedule(), PenaltySchedule(increment=0.02)
    for epoch in range(200):
        assert schedule.at(epoch, 200) == pytest.approx(papers.at(epoch, 200))
        assert schedule.at(epoch / 40, 5) == pytest.approx(papers.at(epoch, 200))
    curve = [schedule.at(step / 200, 5) for step in range(376)]
    assert all(later > earlier for earlier, later in pairwise(curve))
    assert curve[375] == 1.5


def test_levels_without_a_setting_get_the_papers_schedule_and_the_top_none():
    penalties = build_penalties([{"level": 3, "init": 1.0}], levels=3)
    assert penalties.schedules == (None, PenaltySchedule(), PenaltySchedule(init=1.0))


def test_a_setting_for_a_level_that_ssl_would_have_is_left_aside():
    assert build_penalties([{"level": 3}], levels=2).schedules == (None, PenaltySchedule())


def test_nested_penalties_are_products_of_those_above_as_in_the_authors_scripts():
    settings = [{"level": 2, "init": 0.1, "increment": 0.02}, {"level": 3, "increment": 0.02}]
    nested = build_penalties(settings, levels=3, nested=True)
    plain = build_penalties(settings, levels=3)
    one, two, three = plain.at(30, 200, [0, 0, 0])
    assert nested.at(30, 200, [0, 0, 0]) == [one, two, two * three]
    assert plain.at(0, 200, [0, 0, 0]) == [1.0, 0.1, 0.0]


@pytest.mark.parametrize(
    ("setting", "epochs", "end"),
    [
        ({"increment": 0.02}, 5, "0.08"),
        ({"ramp": 1.0, "freeze": 2}, 10, "0.3"),
        ({}, 1, None),
        ({"increment": 0.02}, 200, None),
        ({"schedule": "constant", "init": 0.1}, 5, None),
        ({"max": 1.5, "init": 1.35, "increment": 0.0}, 5, None),
        ({"increment": 0.375, "freeze": 1}, 5, "0"),
        ({"increment": 0.375}, 5, None),
    ],
)
def test_a_penalty_that_ends_far_from_its_max_is_told(setting, epochs, end):
    lines = build_penalties([{"level": 2, **setting}], levels=2).shortfalls(epochs)
    said = f"the penalty of level 2 ends at {end}, far from its max of 1.5"
    assert lines == ([] if end is None else [said])


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"init": 0.1}, "own `level`"),
        ({"level": 1}, "own `level`"),
        ({"level": 2, "growth": 1}, r"no 'growth'.*its keys are .*'level'"),
        ({"level": 2, "increment": -0.1}, "`increment`.*-0.1"),
        ({"level": 2, "init": 2.0}, "below `init`"),
        ({"level": 2, "ramp": 1.5}, "`ramp`.*1.5"),
        ({"level": 2, "increment": "2e-3"}, "`increment` of a penalty must be.*write 0.002"),
        ({"level": 2, "ramp": "half"}, "`ramp` of a penalty must be a number"),
        ({"level": 2, "ramp": 0.5, "increment": 0.1}, "by `ramp` .*or by `increment`.*remove one"),
    ],
)
def test_what_cannot_be_a_penalty_is_refused(setting, said):
    with pytest.raises(ValueError, match=said):
        build_penalties([setting], levels=2)


@pytest.mark.parametrize(
    "settings", [{"level": 2, "max": 1.0}, ["level: 2"], [{"level": 2}, "level: 3"], None]
)
def test_what_is_no_list_of_mappings_is_refused(settings):
    with pytest.raises(ValueError, match=r"`penalty` must be a list of mappings such as \[\{level"):
        build_penalties(settings, levels=2)


def test_a_setting_that_is_left_aside_is_looked_at_all_the_same():
    with pytest.raises(ValueError, match=r"`max` .* below `init`"):
        build_penalties([{"level": 3, "init": 2.0}], levels=2)


def test_a_level_named_twice_is_refused():
    with pytest.raises(ValueError, match="own `level`"):
        build_penalties([{"level": 2}, {"level": 2}], levels=2)


@given(
    shape=st.sampled_from(SHAPES),
    init=st.floats(0, 2),
    rise=st.floats(0, 2),
    increment=st.none() | st.floats(0, 0.5),
    freeze=st.none() | st.integers(1, 30),
)
def test_every_shape_begins_at_init_never_falls_and_never_passes_max(
    shape, init, rise, increment, freeze
):
    if shape in ("constant", "cosine"):
        increment = None
    if shape == "step" and increment is None:
        increment = 0.1
    schedule = PenaltySchedule(init, init + rise, None, increment, shape, freeze)
    steps, curve = 0, []
    for epoch in range(1, 41):
        for part in range(10):
            curve.append(schedule.at(epoch - 1 + part / 10, 40, steps))
            steps += schedule.grows_in(epoch)
    assert curve[0] == pytest.approx(init)
    assert all(later >= earlier - 1e-12 for earlier, later in pairwise(curve))
    assert max(curve) <= init + rise + 1e-12
    if freeze is not None:
        assert len({round(value, 12) for value in curve[10 * freeze :]}) <= 1


def test_a_cosine_rises_slowly_fast_and_slowly_again_and_ends_at_max():
    schedule = PenaltySchedule(init=0.5, max=1.5, schedule="cosine", ramp=0.5)
    curve = [schedule.at(epoch, 40) for epoch in range(40)]
    assert curve[10] == pytest.approx(1.0)
    assert curve[1] - curve[0] < (curve[11] - curve[9]) / 4
    assert curve[20] == curve[39] == 1.5
    mirrored = [2.0 - value for value in curve[20::-1]]
    assert curve[:21] == pytest.approx(mirrored)


def test_a_constant_penalty_needs_only_init_and_a_step_schedule_counts_steps():
    assert {PenaltySchedule(init=2.0, schedule="constant").at(e, 9) for e in range(9)} == {2.0}
    schedule = PenaltySchedule(increment=0.25, max=0.6, schedule="step")
    assert [schedule.at(0, 9, steps) for steps in range(4)] == [0.0, 0.25, 0.5, 0.6]


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"level": 2, "schedule": "root"}, r"`schedule`.*'cosine'.*'root'"),
        ({"level": 2, "schedule": "step", "ramp": 0.5}, "has no `ramp`"),
        ({"level": 2, "schedule": "step"}, "needs `increment`, per optimiser step"),
        ({"level": 2, "schedule": "constant", "increment": 0.1}, "has no `increment`"),
        ({"level": 2, "schedule": "cosine", "increment": 0.1}, "has no `increment`"),
        ({"level": 2, "freeze": 0}, "`freeze`.*0"),
        ({"level": 2, "freeze": 2.5}, "`freeze`.*2.5"),
        ({"level": 2, "init": float("nan")}, "`init`"),
    ],
)
def test_a_shape_that_does_not_exist_or_fit_is_refused(setting, said):
    with pytest.raises(ValueError, match=said):
        build_penalties([setting], levels=2)


def test_a_penalty_grows_to_the_end_of_the_epoch_that_freezes_it():
    schedule = PenaltySchedule(max=2.0, ramp=1.0, freeze=3)
    assert [schedule.grows_in(epoch) for epoch in range(1, 6)] == [True] * 3 + [False] * 2
    assert [schedule.at(done, 4) for done in (2, 2.5, 3, 3.5, 4)] == [1.0, 1.25, 1.5, 1.5, 1.5]
    assert all(PenaltySchedule().grows_in(epoch) for epoch in (1, 1000))


def test_between_epochs_the_last_rise_is_that_of_the_epoch_that_freezes_it():
    schedule = PenaltySchedule(increment=0.5, max=9.0, freeze=3)
    assert [schedule.at(done, 9) for done in range(6)] == [0.0, 0.5, 1.0, 1.0, 1.0, 1.0]


def test_steps_of_a_level_count_until_it_is_frozen_and_the_top_counts_none():
    penalties = build_penalties([{"level": 2, "freeze": 2}], levels=3)
    assert penalties.growing_in(2) == [0.0, 1.0, 1.0]
    assert penalties.growing_in(3) == [0.0, 0.0, 1.0]
    with pytest.raises(ValueError, match="zip"):
        penalties.at(0, 10, [0, 0])


def test_a_penalty_that_grows_by_the_step_is_told_to_end_early_once_steps_are_known():
    setting = {"level": 2, "schedule": "step", "increment": 0.001}
    penalties = build_penalties([setting], levels=2)
    assert penalties.shortfalls(5) == []
    assert penalties.shortfalls(5, steps=1000) == []
    (line,) = penalties.shortfalls(5, steps=10)
    assert "level 2 ends at 0.05, far from its max of 1.5" in line
    frozen = build_penalties([{**setting, "freeze": 2}], levels=2)
    assert "ends at 0.6," in frozen.shortfalls(5, steps=300)[0]
    small = build_penalties([{**setting, "max": 0.5}], levels=2)
    assert small.shortfalls(5, steps=100) == []


@pytest.mark.parametrize("freeze", [True, 2.5, 0, -1])
def test_a_penalty_is_frozen_after_a_whole_epoch(freeze):
    with pytest.raises(ValueError, match="`freeze` of a penalty must be an epoch"):
        PenaltySchedule(freeze=freeze)
