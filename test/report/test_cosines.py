"""Means of cosines over a training and over tasks, against numbers worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest

from espnet_soups.report.cosines import group_curves, mean_over_epochs, read_cosines
from espnet_soups.report.history import read_history
from espnet_soups.report.plots.cosine_plots import plot_cosine_groups, plot_cosines
from espnet_soups.report.plots.figure import style_context
from espnet_soups.report.train_log import TrainLog

NAMES = ["asr_fr", "asr_it", "st_fr_en", "ssl"]


def matrix(value: float) -> list[list[float | None]]:
    return [[1.0 if i == j else value for i in range(4)] for j in range(4)]


def test_every_measured_step_counts_the_same() -> None:
    records = [
        {"cosine": matrix(0.8), "cosine_steps": np.full((4, 4), 1).tolist()},
        {"cosine": matrix(0.0), "cosine_steps": np.full((4, 4), 3).tolist()},
        {"cosine": [[None] * 4] * 4, "cosine_steps": np.full((4, 4), 100).tolist()},
    ]
    mean = mean_over_epochs(*read_cosines(records, 4))
    assert mean[0, 1] == pytest.approx(0.2)
    assert np.isnan(np.diag(mean)).all()


def test_epochs_count_the_same_where_steps_were_not_recorded() -> None:
    records = [{"cosine": matrix(0.8)}, {"cosine": matrix(0.0)}, {"cosine": None}]
    assert mean_over_epochs(*read_cosines(records, 4))[0, 1] == pytest.approx(0.4)


def test_tasks_are_averaged_over_their_pairs_and_self_supervision_over_the_rest() -> None:
    cosines = np.full((1, 4, 4), np.nan)
    for i, j, value in ((0, 1, 0.5), (0, 2, 0.2), (1, 2, -0.4), (0, 3, 0.1), (1, 3, np.nan)):
        cosines[0, i, j] = cosines[0, j, i] = value
    curves = group_curves(NAMES, cosines)
    assert {name: curve.tolist() for name, curve in curves.items()} == {
        "ASR~ASR (1 pair)": [0.5],
        "ASR~ST (2 pairs)": [pytest.approx(-0.1)],
        "U~rest (3 pairs)": [pytest.approx(0.1)],
    }


def test_the_picture_shows_the_whole_training_and_says_so(make_experiment) -> None:
    history = read_history(make_experiment(), TrainLog())
    with style_context():
        figure = plot_cosines(history)
        groups = plot_cosine_groups(history)
    assert "all measured steps of epochs 1–4" in figure.get_suptitle().replace("\n", " ")
    assert {text.get_text() for text in figure.axes[0].texts} == {"", "−0.25"}
    assert history.cosines is not None
    for picture in (figure, groups):
        assert "without the noise of the batches" in picture.get_suptitle().replace("\n", " ")
    assert figure.axes[0].images[0].get_clim() == (-0.25, 0.25)
    small = replace(history, cosines=0.05 * history.cosines)
    with style_context():
        axes = plot_cosines(small).axes[0]
    assert {text.get_text() for text in axes.texts} == {"", "−0.013"}  # two decimals: all alike
    assert axes.images[0].get_clim() == (-0.05, 0.05)
    labels = [line.get_label() for line in groups.axes[0].get_lines()[:2]]
    assert labels == ["ASR~ASR (1 pair)", "ASR~ST (2 pairs)"]


@pytest.mark.parametrize(
    ("value", "limits", "drawn"),
    [(0.001, (-0.054, 0.054), 0.001), (0.5, (-0.072, 0.522), 0.5), (1.2, (-0.092, 1.042), 1.0)],
)
def test_the_course_of_the_cosines_fits_the_data_and_ends_at_one(
    make_experiment, value, limits, drawn
) -> None:
    history = read_history(make_experiment(), TrainLog())
    assert history.cosines is not None
    cosines = np.where(np.isnan(history.cosines), np.nan, value)
    cosines[1] = np.nan  # an epoch without a measured pair
    with style_context():
        axes = plot_cosine_groups(replace(history, cosines=cosines)).axes[0]
    assert axes.get_ylim() == pytest.approx(limits)
    np.testing.assert_allclose(axes.get_lines()[0].get_ydata(), [drawn, np.nan, drawn, drawn])


def test_a_cosine_beyond_one_is_written_as_it_is_and_coloured_as_one(make_experiment) -> None:
    history = read_history(make_experiment(), TrainLog())
    assert history.cosines is not None
    beyond = replace(history, cosines=-4.2 * history.cosines)
    with style_context():
        axes = plot_cosines(beyond).axes[0]
    assert axes.images[0].get_clim() == (-1.0, 1.0)
    assert {text.get_text() for text in axes.texts} == {"", "1.05"}
