"""Pictures of a training that has self-supervision on a level of its own."""

from dataclasses import replace

import numpy as np
import pytest
from made_up_records import change_records, level_record

from espnet_soups.report.history import History, read_history
from espnet_soups.report.plots.comparison_plot import plot_comparison
from espnet_soups.report.plots.figure import style_context
from espnet_soups.report.plots.training_plots import (
    loss_rows,
    plot_accuracies,
    plot_losses,
    plot_penalties,
    plot_valid_scores,
    plot_weights,
)
from espnet_soups.report.train_log import TrainLog


@pytest.fixture
def history(make_experiment) -> History:
    """Recognition over translation over self-supervision."""
    names = ["asr_en", "asr_fr", "st_fr_en"]

    def add_ssl(record: dict) -> None:
        record |= {"objectives": [*names, "ssl"], "cosine": None, "cosine_steps": None}
        for kind in ("loss", "valid_loss", "valid_accuracy", "gradient_norm"):
            record[kind]["ssl"] = 0.5
        record["levels"].append(level_record(3, ["ssl"], 0.0))

    folder = make_experiment(objectives=names, epochs=2)
    change_records(folder, add_ssl)
    return read_history(folder, TrainLog())


def test_losses_stand_below_those_of_their_language_and_the_last_name_the_epoch(history) -> None:
    with style_context():
        figure = plot_losses(history)
    grid = [[axes.get_title() for axes in figure.axes[row : row + 2]] for row in (0, 2)]
    assert grid == [["asr_fr", "asr_en"], ["st_fr_en", "ssl"]]
    named = [axes.get_title() for axes in figure.axes if axes.get_xlabel() == "epoch"]
    assert named == ["st_fr_en", "ssl"]
    assert figure.get_suptitle().replace("\n", " ") == "Loss per label token (ssl: per prediction)"


@pytest.mark.parametrize(
    ("objectives", "rows"),
    [
        (["asr_fr"], [1]),
        ([f"asr_{own}" for own in "abcde"], [5]),
        ([f"asr_{own}" for own in "abcdef"], [3, 3]),
        ([f"asr_{own}" for own in "abcdefgh"] + ["st_a_en", "st_b_en"], [4, 4, 2]),
        ([f"asr_{own}" for own in "abc"] + ["st_a_en", "st_b_en"], [3, 2]),
        ([f"asr_{own}" for own in "abc"] + ["st_a_en", "st_b_en", "spk"], [3, 3]),
        ([f"asr_{own}" for own in "abc"] + ["st_a_en", "st_b_en", "spk", "enh"], [3, 2, 2]),
        (["asr_a", "st_a_b", "st_a_c", "ssl"], [1, 2, 1]),
        (["spk", "enh", "mood"], [3]),
    ],
)
def test_no_row_of_losses_has_a_hole_before_its_end(objectives, rows) -> None:
    laid_out = loss_rows(objectives)
    assert sorted(name for row in laid_out for name in row) == sorted(objectives)
    assert [len(row) for row in laid_out] == rows


def test_the_legend_of_losses_fills_the_free_place(history) -> None:
    names = ["asr_en", "asr_fr", "st_fr_en"]
    with style_context():
        full, free = plot_losses(history), plot_losses(replace(history, objectives=names))
    assert len(full.legends) == 1
    assert not free.legends
    (place,) = [axes for axes in free.axes if axes.get_legend()]
    assert (place.get_title(), place.axison) == ("", False)


def test_a_loss_that_is_not_in_nats_is_not_called_so(history) -> None:
    losses = {**history.losses, "enh": history.losses["ssl"]}
    names = [*history.objectives, "enh"]
    other = replace(history, objectives=names, losses=losses, valid_losses=losses)
    with style_context():
        figure = plot_losses(other)
        compared = plot_comparison({"one": other})
    labels = {axes.get_title(): axes.get_ylabel() for axes in figure.axes}
    assert (labels["asr_fr"], labels["enh"]) == ("loss (nats)", "loss")
    assert "enh: per frame or utterance" in figure.get_suptitle().replace("\n", " ")
    labels = {axes.get_title(): axes.get_ylabel() for axes in compared.axes}
    assert labels["ASR loss"] == "loss (nats per token)"
    assert labels["ENH loss"] == "loss (per frame or utterance)"


def test_losses_below_zero_are_drawn_to_their_end(history) -> None:
    below = {name: np.array([-2.0, -8.0]) for name in history.objectives}
    with style_context():
        figure = plot_losses(replace(history, losses=below, valid_losses=below))
    low, high = figure.axes[0].get_ylim()
    assert low < -8.0
    assert high > -2.0


def test_predictions_of_self_supervision_are_not_called_tokens(history) -> None:
    with style_context():
        axes = plot_accuracies(history).axes
    assert [item.get_ylabel() for item in axes] == [
        "right tokens (%)",
        "right tokens (%)",
        "right predictions (%)",
    ]


def test_a_weight_that_cannot_move_is_named_and_not_drawn(history) -> None:
    with style_context():
        figure = plot_weights(history)
    assert [axes.get_title() for axes in figure.axes] == [
        "level 1 (top), total variation distance from uniform at the end: 0.040"
    ]
    lines = figure.axes[0].get_lines()
    assert [line.get_label() for line in lines] == ["asr_en", "asr_fr", "uniform"]
    title = figure.get_suptitle().replace("\n", " ")
    assert "(st_fr_en: alone on its level, λ = 1; ssl: alone on its level, λ = 1)" in title
    fixed = replace(history.levels[0], combiner="constant", moves=False)
    with style_context():
        moved = replace(history, levels=[history.levels[0], fixed])
        assert "(ASR×2: constant weights)" in plot_weights(moved).get_suptitle().replace("\n", " ")


def test_weights_are_drawn_around_uniform_in_limits_that_fit(history) -> None:
    with style_context():
        axes = plot_weights(history).axes[0]
    np.testing.assert_allclose(axes.get_lines()[0].get_ydata(), [0.02, 0.04])
    np.testing.assert_allclose(axes.get_lines()[1].get_ydata(), [-0.02, -0.04])
    assert axes.get_ylim() == (-0.05, 0.05)  # smaller ones would make noise look large
    weights = np.array([[0.9, 0.1], [np.nan, np.nan]])
    far = replace(history.levels[0], weights=weights, distances=np.array([0.4, np.nan]))
    with style_context():
        axes = plot_weights(replace(history, levels=[far])).axes[0]
    assert axes.get_ylim() == pytest.approx((-0.432, 0.432))
    assert axes.get_title().endswith("at the end: not known")


def test_penalties_are_those_of_the_lower_levels(history) -> None:
    with style_context():
        axes = plot_penalties(history).axes[0]
    lines = {line.get_label(): line.get_ydata() for line in axes.get_lines()}
    assert list(lines) == ["level 2: ST×1", "level 3: SSL×1", "level 1 (top): ASR×2"]
    np.testing.assert_allclose(lines["level 2: ST×1"], [0.02, 0.04])


def test_each_score_of_validation_has_a_panel_with_gaps_between(make_experiment) -> None:
    name = "asr_fr"
    folder = make_experiment(objectives=[name, "asr_en"])

    def add(record: dict) -> None:
        if record["epoch"] % 2 == 0:
            item = {"unit": "%", "lower_is_better": True, "headline": True, "digits": 1}
            values = {"mean": 50.0, "objectives": {name: 100.0 / record["epoch"]}}
            record["scores"] = {"wer": {"title": "WER", **item, **values}}

    change_records(folder, add)
    history = read_history(folder, TrainLog())
    curve = history.scores["wer"].objectives[name]
    assert np.isnan(curve[::2]).all()
    assert curve[1] == 50.0
    (axes,) = plot_valid_scores(history).axes
    assert axes.get_title() == "WER %, lower is better"
    assert [line.get_label() for line in axes.get_lines()] == [name]
