"""Pictures of the measured steps."""

from dataclasses import replace

import numpy as np
import pytest

from espnet_soups.report.history import History, read_history
from espnet_soups.report.plots.figure import draw_curve, new_figure, style_context
from espnet_soups.report.plots.measured_plots import plot_norms, plot_raised
from espnet_soups.report.train_log import TrainLog


@pytest.fixture
def history(make_experiment) -> History:
    return read_history(make_experiment(), TrainLog())


def test_shares_of_steps_stand_beside_the_share_that_raised_any_objective(history) -> None:
    with style_context():
        figure = plot_raised(history)
    assert [axes.get_title() for axes in figure.axes] == ["ASR", "ST"]
    for axes, names in zip(figure.axes, (["asr_fr", "asr_it"], ["st_fr_en"]), strict=True):
        lines = {line.get_label(): line.get_ydata() for line in axes.get_lines()}
        assert list(lines) == [*names, "at least one"]
        np.testing.assert_allclose(lines[names[0]], [10.0, 20.0, 30.0, 40.0])
        np.testing.assert_allclose(lines["at least one"], [20.0, 40.0, 60.0, 80.0])
        assert axes.get_ylim() == pytest.approx((0.0, 84.8))


def test_objectives_that_no_step_raised_are_drawn_at_nought(history) -> None:
    still = {name: np.zeros(4) for name in history.raised}
    with style_context():
        figure = plot_raised(replace(history, raised=still, raised_any=None))
    assert figure.axes[0].get_ylim() == (0.0, 1.0)
    assert [line.get_label() for line in figure.axes[1].get_lines()] == ["st_fr_en"]


def test_norms_are_said_to_be_without_noise_and_unknown_ones_are_skipped(history) -> None:
    norms = {"asr_fr": np.array([2.0, np.nan, 0.5, 0.4])}
    with style_context():
        figure = plot_norms(replace(history, norms=norms))
    assert "without the noise of the batches" in figure.get_suptitle()
    (line,) = figure.axes[0].get_lines()
    np.testing.assert_array_equal(line.get_ydata(), norms["asr_fr"])
    assert line.get_markevery() == [0]  # alone between gaps, it would not show


@pytest.mark.parametrize(
    ("curve", "style", "marked"),
    [
        ([1.0, 2.0, 3.0, 4.0], {}, []),
        ([1.0, np.nan, 3.0, np.nan], {}, [0, 2]),
        ([1.0, np.nan, 3.0, 4.0], {"marker": "s", "markevery": 2}, [0, 2]),
        ([np.nan] * 4, {}, []),
    ],
)
def test_a_point_that_no_line_reaches_gets_a_marker(curve, style, marked) -> None:
    with style_context():
        axes = new_figure(2.0, 2.0, "").subplots()
        draw_curve(axes, [1, 2, 3, 4], np.array(curve), **style)
    (line,) = axes.get_lines()
    assert line.get_markevery() == marked
    assert line.get_marker() == (style.get("marker", "o") if marked else "")
