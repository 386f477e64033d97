import logging

import numpy as np
import pytest
import torch
from toy_soup import LAYERS, NAMES, SPOKEN, WIDTH, Run, draw_slopes

FULL = (LAYERS + 1) * (WIDTH + 2)


def cosines_by_numpy(batches, crossed):
    """Mean cosines [L, m, m]; pairs of one language from two neighbouring batches."""
    size, sums, counts = len(NAMES), 0.0, 0.0
    for before, batch in zip([None, *batches], batches, strict=False):
        one = batch.numpy().transpose(1, 0, 2)[:LAYERS]
        two = one if before is None else before.numpy().transpose(1, 0, 2)[:LAYERS]
        found = np.full((LAYERS, size, size), np.nan)
        for layer, i, j in np.ndindex(LAYERS, size, size):
            a, b, c, d = one[layer, i], one[layer, j], two[layer, i], two[layer, j]
            if not (crossed and SPOKEN[i] == SPOKEN[j]):
                found[layer, i, j] = a @ b / (np.linalg.norm(a) * np.linalg.norm(b))
            elif before is not None:
                found[layer, i, j] = (
                    a @ d / (np.linalg.norm(a) * np.linalg.norm(d))
                    + c @ b / (np.linalg.norm(c) * np.linalg.norm(b))
                ) / 2
        sums, counts = sums + np.nan_to_num(found), counts + ~np.isnan(found)
    return sums / counts


def conflict_by_numpy(batches, statistic):
    pairs = np.triu_indices(len(NAMES), 1)
    values = cosines_by_numpy(batches, crossed=True)[:, pairs[0], pairs[1]]
    return values.mean(axis=1) if statistic == "mean" else values.min(axis=1)


def run_survey(batches, steps=None, **conf):
    selection = {"steps": steps or len(batches), **conf.pop("selection", {})}
    run = Run(layers="conflicting", selection=selection, **conf)
    run.open_epoch(1)
    for batch in batches:
        run.step(batch)
    return run


def chosen(run):
    return [run.soup.layers.names[position] for position in run.soup.layers.chosen]


@pytest.mark.parametrize("statistic", ["mean", "worst"])
def test_layers_with_planted_conflicts_are_selected_by_the_numbers_of_a_reference(statistic):
    batches = [draw_slopes(seed) for seed in range(6)]
    run = run_survey(batches, selection={"statistic": statistic, "threshold": 0.1})
    expected = conflict_by_numpy(batches, statistic)
    np.testing.assert_allclose(run.soup.layers.conflicts, expected, atol=1e-6)
    assert chosen(run) == ["encoder.encoders.1", "encoder.encoders.3"]
    assert (expected < 0.1).tolist() == [False, True, False, True]


def test_objectives_of_one_language_do_not_count_the_noise_that_they_share():
    batches = [draw_slopes(seed, shared_noise=2.0) for seed in range(30)]
    run = run_survey(batches)
    expected = cosines_by_numpy(batches, crossed=True)
    found = run.soup.layers.cosines.means().numpy()
    off = ~np.eye(len(NAMES), dtype=bool)
    np.testing.assert_allclose(found[:, off], expected[:, off], atol=1e-6)
    naive = cosines_by_numpy(batches, crossed=False)
    assert found[1, 0, 2] < 0 < naive[1, 0, 2]  # asr_fr against st_fr_en, where they conflict


def test_only_the_selected_layers_are_measured_and_feed_the_gram_matrix():
    batches = [draw_slopes(seed) for seed in range(8)]
    run = Run(
        layers="conflicting",
        selection={"steps": 3, "threshold": 0.1},
        gradient_norm="none",
        combiner_conf={"gamma": 0.02},
    )
    run.open_epoch(1)
    weights, previous = np.full(4, 0.25), None
    for step, batch in enumerate(batches):
        assert run.soup.layers.surveying == (step < 3)
        run.step(batch)
        every = batch.numpy().reshape(4, -1)
        narrow = batch[:, [1, 3]].numpy().reshape(4, -1)
        rows = every if step < 3 else narrow
        if previous is not None:
            weights = weights - 0.02 * rows @ previous.T @ weights
            weights = onto_simplex(weights)
        previous = narrow if step >= 2 else every
        np.testing.assert_allclose(run.soup.weights.numpy(), weights, atol=1e-9)
    assert run.soup.pairs.previous.shape == (4, 2 * (WIDTH + 2))
    assert run.soup.layers.describe()["full_depth_steps"] == 3
    assert run.soup.layers.describe()["steps"] == 8
    assert np.abs(weights - 0.25).max() > 0.01


def onto_simplex(vector):
    low, high = vector.min() - 1.0, vector.max()
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if np.maximum(vector - middle, 0).sum() > 1 else (low, middle)
    return np.maximum(vector - high, 0)


def test_where_no_layer_conflicts_all_parameters_are_used_and_the_log_says_so(caplog):
    with caplog.at_level(logging.INFO):
        run = run_survey([draw_slopes(seed, conflicting=()) for seed in range(4)])
    assert chosen(run) == []
    run.step(draw_slopes(9))
    assert run.soup.pairs.previous.shape == (4, FULL)
    assert "no layer conflicts, so all are used; mean cosine below 0.0: encoder" in caplog.text
    assert run.soup.layers.describe()["layers"] == "all"


def test_the_log_of_a_selection_names_layers_with_their_numbers(caplog):
    with caplog.at_level(logging.INFO):
        run_survey([draw_slopes(seed) for seed in range(4)], selection={"threshold": 0.1})
    assert "after 4 steps at full depth: 2 of 4 layers conflict (*)" in caplog.text
    assert "encoder.encoders.0 0." in caplog.text
    assert "*encoder.encoders.1 " in caplog.text


@pytest.mark.parametrize(("hysteresis", "stays"), [(0.0, False), (0.4, True)])
def test_hysteresis_keeps_a_layer_that_is_hardly_above_the_threshold(hysteresis, stays):
    run = Run(
        layers="conflicting",
        selection={"every": 2, "steps": 3, "threshold": -0.1, "hysteresis": hysteresis},
    )
    run.open_epoch(1)
    for seed in range(3):
        run.step(draw_slopes(seed))
    assert chosen(run) == ["encoder.encoders.1", "encoder.encoders.3"]
    run.open_epoch(2)
    assert not run.soup.layers.surveying
    run.open_epoch(3)
    for seed in range(3):  # layer 3 no longer conflicts in its sign, but in noise
        slopes = draw_slopes(seed, conflicting=(1,))
        slopes[:, 3] = draw_slopes(seed + 50, noise=3.0, conflicting=())[:, 3]
        run.step(slopes)
    assert -0.1 < run.soup.layers.conflicts[3] < 0.3
    assert ("encoder.encoders.3" in chosen(run)) == stays


@pytest.mark.parametrize("stop", [1, 2, 3])
def test_a_resumed_run_selects_and_weighs_as_an_uninterrupted_one(stop):
    conf = {
        "layers": "conflicting",
        "selection": {"steps": 5, "every": 2, "threshold": 0.1},
        "soup": "custom",
        "levels": [["asr_*"], ["st_*"]],
        "combiner": ["gradvac", "famo"],
        "penalty": [{"level": 2, "schedule": "step", "increment": 0.01}],
    }

    def train(run, epochs):
        for epoch in epochs:
            run.open_epoch(epoch)
            for step in range(3):  # a selection takes longer than an epoch
                run.step(draw_slopes(10 * epoch + step))

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
    batches = [draw_slopes(seed) for seed in range(4)]
    plain = run_survey(batches, selection={"threshold": 0.1})
    run = Run(layers="conflicting", selection={"steps": 4, "threshold": 0.1})
    run.open_epoch(1)
    for position, batch in enumerate(batches):
        if position == 2:
            run.step(draw_slopes(99), skipped=True)
        run.step(batch)
    assert run.soup.layers.conflicts == plain.soup.layers.conflicts
    assert torch.equal(run.soup.weights, plain.soup.weights)


def test_exact_mode_and_refresh_select_too():
    exact = Run(layers="conflicting", selection={"steps": 3, "threshold": 0.1}, mode="exact")
    seldom = Run(layers="conflicting", selection={"steps": 3, "threshold": 0.1}, refresh=4)
    for run in (exact, seldom):
        run.open_epoch(1)
        for step in range(6):
            halves = [draw_slopes(2 * step), draw_slopes(2 * step + 1)]
            run.step(*(halves if run is exact else halves[:1]))
        assert chosen(run) == ["encoder.encoders.1", "encoder.encoders.3"]
    assert seldom.soup.layers.full_depth_steps == 3  # measured in steps 1, 2 and 5


@pytest.mark.parametrize(
    ("conf", "said"),
    [
        ({"layers": "conflict"}, "`layers` must be `all`, `conflicting` or a list"),
        ({"selection": {"every": 3}}, "`selection` needs `layers: conflicting`"),
        ({"selection": {"evry": 3}}, r"`selection` has no 'evry' \(closest: 'every'\)"),
        ({"selection": {"every": 0}}, "`every` of `selection`"),
        ({"selection": {"threshold": "-1e-2"}}, "`threshold` of `selection` must be a number"),
        ({"selection": {"threshold": 1.5}}, "from -1 to 1, but got 1.5"),
        ({"selection": {"hysteresis": -1}}, "`hysteresis`"),
        ({"selection": {"statistic": "max"}}, r"'mean', 'worst'.*'max'"),
    ],
)
def test_settings_of_a_selection_that_are_not_valid_are_refused(conf, said):
    layers = {} if said.startswith("`selection` needs") else {"layers": "conflicting"}
    with pytest.raises(ValueError, match=said):
        Run(**{**layers, **conf})
