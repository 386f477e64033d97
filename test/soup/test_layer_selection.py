import logging

import numpy as np
import pytest
import torch
from method_reference import onto_simplex
from toy_soup import LAYERS, WIDTH, ModelWithDecoder, Run, draw_halves, draw_slopes

FULL = (LAYERS + 1) * (WIDTH + 2)
BOTH = ["encoder.encoders.1", "encoder.encoders.3"]  # where conflicts are planted


def run_survey(batches, **conf):
    selection = {"steps": len(batches), **conf.pop("selection", {})}
    run = Run(layers="conflicting", selection=selection, **conf)
    run.open_epoch(1)
    for batch in batches:
        run.step(batch)
    return run


def chosen(run):
    layers = run.soup.layers
    return None if layers.chosen is None else [layers.names[position] for position in layers.chosen]


def measured_numbers(run):
    return sum(parameter.numel() for parameter in run.soup.layers.parameters)


def halves(number, first=0, **how):
    return [draw_halves(seed, **how) for seed in range(first, first + number)]


@pytest.mark.parametrize("statistic", ["mean", "worst"])
@pytest.mark.parametrize("shared_noise", [0.0, 1.5])
def test_layers_with_planted_conflicts_are_selected_whatever_noise_languages_share(
    statistic, shared_noise
):
    batches = halves(150 if shared_noise else 8, shared_noise=shared_noise)
    assert chosen(run_survey(batches, selection={"statistic": statistic})) == BOTH


@pytest.mark.parametrize(
    ("stacks", "expected"),
    [
        (["encoder", "shared_heads.text"], [BOTH[0], "shared_heads.text.decoders.0"]),
        (["encoder"], BOTH[:1]),
    ],
)
def test_conflict_that_was_planted_in_a_shared_decoder_is_found_where_it_takes_part(
    stacks, expected
):
    shared = ["encoder", "shared_heads.text"]
    selection = {"steps": 8, "stacks": stacks}
    run = Run(ModelWithDecoder(), shared=shared, layers="conflicting", selection=selection)
    run.open_epoch(1)
    for batch in halves(9):
        run.step(batch)
    assert chosen(run) == expected
    assert measured_numbers(run) == len(expected) * (WIDTH + 2)
    assert list(run.soup.layers.describe()["conflict"]) == run.soup.layers.names


def test_weights_solved_on_a_shared_decoder_are_those_solved_on_the_encoder_s_layer():
    batches, found = halves(10), []
    selection = {"steps": 4}
    for conf in (
        {"selection": selection},
        {
            "model": ModelWithDecoder(),
            "shared": ["encoder", "shared_heads.text"],
            "selection": {**selection, "stacks": ["encoder", "shared_heads.text"]},
        },
    ):
        run = Run(layers="conflicting", combiner_conf={"gamma": 0.03}, **conf)
        run.open_epoch(1)
        for batch in batches:
            run.step(batch)
        found.append(run.weights)
    torch.testing.assert_close(*found, rtol=0, atol=1e-12)
    assert (found[0] - 0.25).abs().max() > 1e-3


def test_a_layer_whose_interval_reaches_the_threshold_is_not_selected():
    batches = halves(6)
    estimate = run_survey(batches).soup.layers.estimate
    between = (estimate["value"][1] + estimate["high"][1]) / 2
    assert chosen(run_survey(batches, selection={"threshold": between})) != BOTH
    above = max(estimate["high"][1], estimate["high"][3]) + 1e-6
    assert chosen(run_survey(batches, selection={"threshold": above})) == BOTH


def test_only_the_selected_layers_are_measured_and_feed_the_gram_matrix():
    batches = halves(8)
    gamma, weights = 0.03, np.full(4, 0.25)
    run = Run(
        layers="conflicting",
        selection={"steps": 3},
        gradient_norm="release",
        combiner_conf={"gamma": gamma},
    )
    run.open_epoch(1)
    for step, batch in enumerate(batches):
        assert run.soup.layers.surveying == (step < 3)
        assert measured_numbers(run) == (FULL if step < 3 else 2 * (WIDTH + 2))
        run.step(batch)
        columns = batch if step < 3 else batch[:, :, [1, 3]]
        first, second = columns.reshape(2, 4, -1).numpy()
        weights = onto_simplex(weights - gamma * first @ second.T @ weights)
        np.testing.assert_allclose(run.weights, weights, atol=1e-9)
    assert run.soup.layers.describe()["full_depth_steps"] == 3
    assert run.soup.layers.describe()["steps"] == 8
    assert np.abs(weights - 0.25).max() > 0.01


def test_where_no_layer_conflicts_nothing_is_measured_and_the_log_says_so(caplog):
    with caplog.at_level(logging.INFO):
        run = run_survey(halves(8, conflicting=()))
    assert chosen(run) == []
    before = run.weights.clone()
    run.step(draw_halves(20))
    assert not run.plan.measured
    assert torch.equal(run.weights, before)
    assert "no layer conflicts, so nothing is measured and the weights rest" in caplog.text
    assert run.soup.layers.describe()["layers"] == []


def test_weights_rest_while_layers_are_selected_anew_after_none_conflicted():
    selection = {"steps": 4, "every": 1}
    run = Run(layers="conflicting", selection=selection, combiner_conf={"gamma": 0.1, "rho": 1.0})
    run.open_epoch(1)
    for batch in halves(6, conflicting=()):
        run.step(batch)
    assert chosen(run) == []
    before = run.weights.clone()
    run.open_epoch(2)
    for batch in halves(3, first=10):
        run.step(batch)
        assert run.plan.measured
        assert torch.equal(run.weights, before)
    run.step(draw_halves(20))
    assert chosen(run) == BOTH
    run.step(draw_halves(21))
    assert (run.weights - before).abs().max() > 1e-4
    assert run.soup.state.since == 0


def test_the_log_of_a_selection_names_layers_with_their_intervals(caplog):
    with caplog.at_level(logging.INFO):
        run_survey(halves(6))
    assert "after 6 steps at full depth: 2 of 4 layers conflict (*)" in caplog.text
    assert "mean cosine with its 95% interval below 0.0: encoder.encoders.0 1." in caplog.text
    assert "*encoder.encoders.1 -0." in caplog.text


@pytest.mark.parametrize(("hysteresis", "stays"), [(0.0, False), (0.6, True)])
def test_hysteresis_keeps_a_layer_that_is_hardly_above_the_threshold(hysteresis, stays):
    selection = {"every": 2, "steps": 6, "hysteresis": hysteresis}
    run = Run(layers="conflicting", selection=selection)
    run.open_epoch(1)
    for batch in halves(6):
        run.step(batch)
    assert chosen(run) == BOTH
    run.open_epoch(2)
    assert not run.soup.layers.surveying
    run.open_epoch(3)
    for seed in range(6):  # in layer 3 the tasks are almost at right angles now
        batch, other = draw_halves(seed), draw_halves(seed, conflicting=())
        batch[:, 2:, 3] = 0.6 * other[:, 2:, 3]
        batch[:, 2:, 3, :4] *= -1
        run.step(batch)
    assert -0.1 < run.soup.layers.estimate["value"][3] < 0.6
    assert run.soup.layers.estimate["high"][3] > 0
    assert ("encoder.encoders.3" in chosen(run)) == stays


@pytest.mark.parametrize("stop", [1, 2, 3])
def test_a_resumed_run_selects_and_weighs_as_an_uninterrupted_one(stop):
    conf = {
        "layers": "conflicting",
        "selection": {"steps": 5, "every": 2},
        "soup": "custom",
        "levels": [["asr_*"], ["st_*"]],
        "combiner": ["gradvac", "famo"],
        "penalty": [{"level": 2, "schedule": "step", "increment": 0.01}],
    }

    def train(run, epochs):
        for epoch in epochs:
            run.open_epoch(epoch)
            for step in range(3):  # a selection takes longer than an epoch
                run.step(draw_halves(10 * epoch + step))

    whole, first, second = Run(**conf), Run(**conf), Run(**conf)
    train(whole, range(1, 6))
    train(first, range(1, stop + 1))
    second.model.load_state_dict(first.model.state_dict())
    second.optimizer.load_state_dict(first.optimizer.state_dict())
    train(second, range(stop + 1, 6))
    assert str(whole.optimizer.state_dict()["soup"]) == str(second.optimizer.state_dict()["soup"])
    for one, other in zip(whole.model.parameters(), second.model.parameters(), strict=True):
        assert torch.equal(one, other)
    assert torch.equal(whole.soup.penalties, second.soup.penalties)
    assert whole.soup.layers.chosen
    assert all(torch.isfinite(one).all() for one in whole.model.parameters())


def test_a_skipped_step_leaves_no_trace_in_a_selection():
    batches = halves(4)
    plain = run_survey(batches)
    run = Run(layers="conflicting", selection={"steps": 4})
    run.open_epoch(1)
    for position, batch in enumerate(batches):
        if position == 2:
            run.step(draw_slopes(99), skipped=True)
        run.step(batch)
    assert run.soup.layers.estimate == plain.soup.layers.estimate
    assert torch.equal(run.weights, plain.weights)


def test_exact_mode_and_refresh_select_too():
    exact = Run(layers="conflicting", selection={"steps": 4}, mode="exact")
    seldom = Run(layers="conflicting", selection={"steps": 4}, refresh=3)
    for run in (exact, seldom):
        run.open_epoch(1)
        for step in range(12):
            run.step(draw_halves(step))
        assert chosen(run) == BOTH
    assert seldom.soup.layers.full_depth_steps == 4  # measured in steps 3, 6, 9 and 12


@pytest.mark.parametrize(
    ("conf", "said"),
    [
        ({"layers": "conflict"}, "`layers` must be `all`, `adapters`, `conflicting` or a list"),
        ({"selection": {"every": 3}}, "`selection` needs `layers: conflicting`"),
        ({"selection": {"evry": 3}}, r"`selection` has no 'evry' \(closest: 'every'\)"),
        ({"selection": {"every": 0}}, "`every` of `selection`"),
        ({"selection": {"steps": 2}}, "`steps` of `selection` must be 3 or more"),
        ({"selection": {"confidence": 1.0}}, "`confidence` of `selection` must lie between"),
        ({"selection": {"threshold": "-1e-2"}}, "`threshold` of `selection` must be a number"),
        ({"selection": {"threshold": 1.5}}, "from -1 to 1, but got 1.5"),
        ({"selection": {"hysteresis": -1}}, "`hysteresis`"),
        ({"selection": {"stacks": "encoder"}}, r"`stacks` .*\[encoder, shared_heads.text\].*'enc"),
        ({"selection": {"stacks": ["encoder", "encoder"]}}, "each once"),
        ({"selection": {"stacks": ["encoder", "shared_heads.st"]}}, "no numbered layer"),
        ({"selection": {"statistic": "max"}}, r"'mean', 'worst'.*'max'"),
    ],
)
def test_settings_of_a_selection_that_are_not_valid_are_refused(conf, said):
    layers = {} if said.startswith("`selection` needs") else {"layers": "conflicting"}
    with pytest.raises(ValueError, match=said):
        Run(**{**layers, **conf})


def seen_by_norms(run):
    """How many optimiser steps the running norms have seen."""
    return run.soup.state.norms.steps.tolist()


def test_running_norms_start_anew_with_other_layers_and_with_no_step_but_that():
    batches = halves(3)
    fixed = Run(layers=["encoder.encoders.1"], gradient_norm="rows")
    run = Run(layers="conflicting", gradient_norm="rows", selection={"steps": 3, "every": 1})
    fixed.open_epoch(1)
    run.open_epoch(1)
    for step, batch in enumerate(batches, 1):
        fixed.step(batch)
        run.step(batch)
        assert seen_by_norms(fixed) == [step] * 4
        assert min(seen_by_norms(run)) == (step if step < 3 else 0), "selected after three"
    assert chosen(run) == BOTH
    run.open_epoch(2)
    for step, batch in enumerate(batches, 1):
        run.step(batch)
        assert seen_by_norms(run)[0] >= step, "the same layers were selected again"
    assert chosen(run) == BOTH


def test_an_epoch_that_ends_before_layers_are_selected_says_so():
    run = Run(layers="conflicting", selection={"steps": 3})
    run.open_epoch(1)
    run.step(draw_halves(0))
    record = run.soup.layers.describe()
    assert record["layers"] == "all"
    assert record["conflict"] == record["low"] == record["high"] == {}
    assert list(record["cosine"]) == run.soup.layers.names
