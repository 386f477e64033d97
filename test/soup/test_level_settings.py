import logging

import pytest
import torch
from toy_soup import NAMES, OBJECTIVES, Run, draw_halves, draw_slopes

from espnet_soups.soup.build import build_soup
from espnet_soups.soup.config import read_soup_config
from espnet_soups.testing.toy_objectives import LETTERS, build_objectives
from espnet_soups.weighting.combiner import Shown
from espnet_soups.weighting.registry import build_combiner

TWO = {"soup": "custom", "levels": [["asr_*"], ["st_*"]]}
AWAKE = [{"level": 2, "schedule": "constant", "init": 0.5}]


def test_each_level_moves_by_its_own_combiner_on_its_own_penalised_objectives():
    confs = [{"gamma": 0.0005}, {"lr": 0.1}]
    run = Run(
        **TWO, penalty=AWAKE, combiner=["modo", "uw"], combiner_conf=confs, gradient_norm="release"
    )
    run.open_epoch(1)
    top, low = (build_combiner(n, c) for n, c in zip(["modo", "uw"], confs, strict=True))
    weights, state = torch.full((4,), 0.5, dtype=torch.float64), {}
    for seed in range(5):
        halves = draw_halves(seed)
        losses = torch.stack(run.model.losses(halves.mean(dim=0))).detach()
        run.step(halves)
        one, two = (g[:2] + 0.5 * (weights[2:] @ g[2:]) for g in halves.reshape(2, 4, -1))
        moved = weights.clone()
        moved[:2], _ = top(weights[:2], Shown(one @ two.T, torch.zeros(2)), {})
        moved[2:], state = low(weights[2:], Shown(torch.zeros(2, 2), losses[2:]), state)
        weights = moved
        torch.testing.assert_close(run.weights, weights, rtol=0, atol=1e-9)
    assert (weights - 0.5).abs().min() > 1e-3


def test_losses_alone_move_the_weights_with_the_mean_of_an_accumulation_window():
    run = Run(combiner="geometric_mean")
    run.open_epoch(1, accum_grad=2)
    batches = [draw_slopes(seed) for seed in range(4)]
    run.step(*batches[:2])
    losses = [torch.stack(run.model.losses(batch)).detach() for batch in batches[2:]]
    run.step(*batches[2:])
    inverse = 1 / ((losses[0] + losses[1]) / 2)
    torch.testing.assert_close(run.weights, inverse / inverse.sum())
    assert not run.soup.measures


def test_a_combiner_that_needs_a_whole_level_rests_while_a_label_is_missing():
    run = Run(**TWO, penalty=AWAKE, combiner="uw")
    run.open_epoch(1)
    run.step(draw_slopes(0))
    before = run.weights.clone()
    run.step(draw_slopes(1), absent=["asr_fr"])
    assert torch.equal(run.weights[:2], before[:2])
    assert not torch.equal(run.weights[2:], before[2:])


def test_a_preference_for_each_objective_rests_while_a_label_is_missing():
    preference = {"pref_vector": [1.0, 2.0, 1.0, 1.0]}
    run = Run(soup="vs", combiner="aligned_mtl", combiner_conf=preference)
    run.open_epoch(1)
    run.step(draw_halves(1))
    before = run.weights.clone()
    run.step(draw_halves(2), absent=["asr_fr"])
    assert torch.equal(run.weights, before)
    run.step(draw_halves(3))
    assert not torch.equal(run.weights, before)


def test_weights_that_are_no_numbers_are_never_taken_and_the_log_names_the_combiner(caplog):
    run = Run(combiner="geometric_mean")
    run.open_epoch(1)
    with torch.no_grad():
        run.model.encoder.embed[0].weight.fill_(-1e9)  # a loss below 0 has no logarithm
    before = run.weights.clone()
    slopes = draw_slopes(0).abs()
    with pytest.raises(ValueError, match="non-negative"):
        run.step(slopes)
    famo = Run(combiner="famo")
    famo.open_epoch(1)
    famo.model.load_state_dict(run.model.state_dict())
    famo.step(slopes)
    famo.step(slopes)
    assert torch.equal(famo.weights, before)
    assert "famo on level 1 gave" in caplog.text


def test_a_skipped_step_leaves_no_trace_in_states_and_penalties():
    settings = {**TWO, "penalty": [{"level": 2, "schedule": "step", "increment": 0.1}]}
    runs = [Run(**settings, combiner=["pcgrad", "dwa"]) for _ in range(2)]
    for run in runs:
        run.open_epoch(1)
        run.step(draw_slopes(0))
        if run is runs[1]:
            run.step(draw_slopes(9), skipped=True)
        run.step(draw_slopes(1))
    one, other = (str(run.optimizer.state_dict()["soup"]) for run in runs)
    assert one == other
    assert runs[0].soup.penalties.tolist() == pytest.approx([1.0, 0.2])


def test_a_checkpoint_of_another_combiner_keeps_the_weights_and_says_so(caplog):
    first, second = Run(combiner="famo"), Run(combiner="dwa")
    first.open_epoch(1)
    first.step(draw_slopes(0))
    second.optimizer.load_state_dict(first.optimizer.state_dict())
    assert "Level 1 was weighed by famo in the checkpoint, now by dwa" in caplog.text
    assert torch.equal(second.weights, first.weights)
    assert second.soup.weights.states == ({},)


@pytest.mark.parametrize("before", ["static", "modo"])
def test_a_resumed_run_has_the_fixed_weights_of_its_settings(before):
    first = Run(soup="vs", combiner=before)
    first.open_epoch(1)
    first.step(draw_halves(0))
    second = Run(soup="vs", combiner="static", combiner_conf={"weights": [7, 1, 1, 1]})
    second.optimizer.load_state_dict(first.optimizer.state_dict())
    assert second.weights.tolist() == pytest.approx([0.7, 0.1, 0.1, 0.1])


def test_joint_training_takes_the_fixed_weights_of_a_list_too():
    run = Run(soup="joint", combiner=["static"], combiner_conf=[{"weights": [7, 1, 1, 1]}])
    assert run.weights.tolist() == pytest.approx([0.7, 0.1, 0.1, 0.1])


def test_static_weights_by_name_hold_for_a_level_and_for_joint_training():
    weights = {"combiner": "static", "combiner_conf": {"weights": {"st_*": 3}}}
    joint = Run(soup="joint", **weights)
    joint.open_epoch(1)
    torch.testing.assert_close(
        joint.soup.gates.multipliers,
        torch.tensor([0.125, 0.125, 0.375, 0.375], dtype=torch.float64),
    )
    mixed = Run(
        **TWO,
        combiner=["static", "modo"],
        combiner_conf=[{"weights": {"asr_fr": 3}}, {"gamma": 0.1}],
        penalty=AWAKE,
    )
    mixed.open_epoch(1)
    for seed in range(3):
        mixed.step(draw_slopes(seed))
    assert mixed.weights[:2].tolist() == [0.75, 0.25]
    assert mixed.weights[2] != 0.5


def test_a_hierarchy_of_languages_holds_the_tasks_of_each_on_one_level():
    run = Run(soup="custom", levels=[["*_fr*"], ["*_es*"]], penalty=AWAKE)
    levels = [[NAMES[index] for index in level] for level in run.soup.hierarchy.levels]
    assert levels == [["asr_fr", "st_fr_en"], ["asr_es", "st_es_en"]]
    run.open_epoch(1)
    for seed in range(3):
        run.step(draw_slopes(seed))
    assert run.soup.gates.multipliers.sum() == pytest.approx(1.5)


def test_orders_by_letters_put_languages_on_levels():
    config = read_soup_config({"soup": "vm", "order": "ECS"})
    objectives = build_objectives(["en", "zh"], ["zh_en"])
    soup = build_soup(config, objectives, ["encoder"], LETTERS)
    levels = [[soup.names[index] for index in level] for level in soup.hierarchy.levels]
    assert levels == [["st_zh_en"], ["asr_zh"], ["asr_en"]]


def test_lists_for_an_order_lose_the_entries_of_letters_without_an_objective():
    conf = {"combiner": ["modo", "uw", "static"], "combiner_conf": [{"gamma": 1}, {}, {}]}
    soup = build_soup(
        read_soup_config({"soup": "vm", "order": "USA", **conf}), OBJECTIVES, ["e"], LETTERS
    )
    assert soup.weigher.names == ["modo", "uw"]


@pytest.mark.parametrize(("order", "kept"), [("SUA", [None, 0.2]), ("UAS", [None, 0.1])])
def test_a_penalty_stays_with_the_place_of_its_letter(order, kept):
    entries = [{"level": 2, "init": 0.1}, {"level": 3, "init": 0.2}]  # U has no objective
    settings = {"soup": "vm", "order": order, "penalty": entries}
    soup = build_soup(read_soup_config(settings), OBJECTIVES, ["e"], LETTERS)
    assert [s and s.init for s in soup.clock.penalties.schedules] == kept


LEVELS = {"order": "UAS", "levels": [["*"]], "penalty": [{"level": 2}], "refresh": 8}


@pytest.mark.parametrize(
    ("conf", "unused"),
    [
        (
            {"soup": "joint", **LEVELS, "combiner_conf": {"gamma": 0.1}},
            ["order", "levels", "penalty", "combiner_conf", "refresh"],
        ),
        ({"soup": "joint", "combiner": "static", "combiner_conf": {"weights": {"st_*": 3}}}, []),
        ({"soup": "joint", "combiner": "measure_only", "refresh": 8}, []),
        ({"soup": "vs", **LEVELS}, ["order", "levels", "penalty"]),
        ({"soup": "vc", **LEVELS}, ["order", "levels"]),
        ({"soup": "vm", **LEVELS}, ["levels"]),
        ({"soup": "custom", "levels": [["asr_*"], ["st_*"]], "order": "UAS"}, ["order"]),
        ({"soup": "vs", "penalty": [], "levels": []}, []),
    ],
)
def test_the_log_names_settings_that_a_soup_does_not_use(conf, unused, caplog):
    with caplog.at_level(logging.INFO):
        build_soup(read_soup_config(conf), OBJECTIVES, ["e"], LETTERS)
    listed = ", ".join(f"`{name}`" for name in unused)
    said = f"`soup: {conf['soup']}` makes no use of {listed} of `trainer_conf`"
    told = [message for message in caplog.messages if "makes no use" in message]
    assert told == ([said] if unused else [])


def test_entries_of_penalty_are_left_aside_where_a_soup_has_fewer_levels():
    settings = {"soup": "vc", "penalty": [{"level": 2}, {"level": 3}]}
    soup = build_soup(read_soup_config(settings), OBJECTIVES, ["e"], LETTERS)
    assert soup.clock.penalties.schedules == (None,)


@pytest.mark.parametrize(
    ("conf", "said"),
    [
        ({"combiner": ["modo", "uw", "uw"]}, "`combiner` lists 3 values, but there are 2 levels"),
        ({"combiner_conf": [{}]}, "`combiner_conf` lists 1 values"),
        (
            {"combiner": ["modo", "uw"], "combiner_conf": {"gamma": 1}},
            "`combiner_conf` must be one too",
        ),
        ({"combiner": ["modo", "magic"]}, "'magic'"),
        ({"combiner": ["modo", "krum"]}, "for the 2 objectives of level 2"),
        ({"combiner": "graddrop"}, "cannot be offered"),
        ({"penalty": [{"level": 3}]}, "has an entry for level 3, but `levels` has 2"),
        ({"combiner": ["static", "famo"], "acts_on": "measured"}, "use `measure_only`"),
    ],
)
def test_settings_of_levels_that_do_not_fit_are_refused(conf, said):
    with pytest.raises(ValueError, match=said):
        Run(**TWO, **conf)


def test_a_tiny_penalty_above_a_large_one_moves_its_weights_slowly_and_not_to_a_corner():
    """Divided by its penalty, level 2 would see level 3 twenty-five times as large as itself."""
    levels = {"soup": "custom", "levels": [["asr_fr"], ["asr_es", "st_es_en"], ["st_fr_en"]]}
    penalty = [
        {"level": 2, "schedule": "constant", "init": 0.02},
        {"level": 3, "schedule": "constant", "init": 0.5},
    ]
    run = Run(**levels, penalty=penalty, combiner_conf={"gamma": 0.1})
    run.open_epoch(1)
    for seed in range(40):
        before = run.weights.clone()
        run.step(draw_halves(seed))
        assert (run.weights - before).abs().max() < 0.05
    assert run.weights.min() > 0.2


def test_a_level_rests_while_its_penalty_is_zero_and_wakes_with_the_first_step_that_has_one():
    run = Run(**TWO, combiner_conf={"gamma": 0.1})
    run.open_epoch(1, max_epoch=10, steps=100)
    run.step(draw_halves(0))
    assert run.weights[2:].tolist() == [0.5, 0.5]
    assert float(run.soup.penalties[1]) == pytest.approx(1.5 / 375)
    run.step(draw_halves(1))
    assert run.weights[2:].tolist() != [0.5, 0.5]


def test_an_absent_objective_keeps_its_weight_and_the_others_share_the_rest():
    run = Run(combiner="mgda")
    run.open_epoch(1)
    run.step(draw_halves(0), absent=["asr_es"])
    assert float(run.weights[1]) == 0.25
    assert float(run.weights.sum()) == pytest.approx(1.0)
    assert (run.weights[[0, 2, 3]] - 0.25).abs().max() > 0.01


def test_measure_only_fills_the_record_and_moves_nothing():
    run = Run(combiner="measure_only", refresh=2)
    run.open_epoch(1)
    for seed in range(6):
        run.step(draw_halves(seed))
    assert run.weights.tolist() == [0.25] * 4
    assert run.soup.means.gradients.measured == 3
    assert torch.isfinite(run.soup.means.gradients.raised()).all()


def test_normalised_steps_are_measured_whatever_weighs():
    run = Run(combiner="static", gradient_norm="rows")
    run.open_epoch(1)
    scale = torch.tensor([1.0, 2.0, 4.0, 8.0]).double()
    for seed in range(3):
        run.step(draw_halves(seed, noise=0.0) * scale[:, None, None])
    run.soup.plan()
    factors = run.soup.gates.multipliers
    torch.testing.assert_close(factors * scale, (factors * scale).mean().expand(4))


def test_one_combiner_named_for_every_level_may_have_one_mapping_of_options():
    run = Run(**TWO, combiner=["modo", "modo"], combiner_conf={"gamma": 0.1})
    assert [combiner.gamma for combiner in run.soup.weigher.combiners] == [0.1, 0.1]
