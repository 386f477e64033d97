"""The picture that compares experiments."""

import numpy as np
import pytest
from made_up_records import change_records

from espnet_soups.report.plots.comparison_plot import mean_curve, plot_comparison, read_histories
from espnet_soups.report.plots.figure import objective_styles, style_context


def test_every_training_is_compared_and_a_broken_one_is_named(make_experiment) -> None:
    expdir = make_experiment("msp_joint").parent
    make_experiment("msp_joint_seed2", epochs=2)
    make_experiment("msp_broken")
    (expdir / "msp_broken" / "soup.jsonl").write_text("{")
    (expdir / "msp_stats").mkdir()
    histories, left_out = read_histories(expdir)
    assert list(histories) == ["msp_joint", "msp_joint_seed2"]
    assert list(left_out) == ["msp_broken"]
    with style_context():
        figure = plot_comparison(histories)
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == ["ASR accuracy", "ASR loss", "ST accuracy", "ST loss"]
    long, short = figure.axes[0].get_lines()
    assert long.get_color() == short.get_color()
    assert long.get_linestyle() != short.get_linestyle()
    assert list(long.get_ydata()) == [25.0, 50.0, 75.0, 100.0]
    assert list(short.get_xdata()) == [1, 2]


def test_a_kind_without_accuracy_leaves_no_empty_picture(make_experiment) -> None:
    folder = make_experiment("msp_joint")
    change_records(folder, lambda record: record["valid_accuracy"].pop("st_fr_en"))
    histories, _ = read_histories(folder.parent)
    with style_context():
        figure = plot_comparison(histories)
    assert [axes.get_title() for axes in figure.axes] == ["ASR accuracy", "ASR loss", "ST loss"]
    assert all(axes.get_lines() for axes in figure.axes)


def test_the_legend_shows_seeds_together_and_keeps_to_the_width(make_experiment) -> None:
    long = "msp_" + "x" * 60
    for name in ("msp_a", "msp_a_b", "msp_a_seed2", "msp_c", "msp_d"):
        expdir = make_experiment(name, epochs=1).parent
    histories, _ = read_histories(expdir)
    with style_context():
        (legend,) = plot_comparison(histories).legends
        (narrow,) = plot_comparison({**histories, long: histories["msp_a"]}).legends
    labels = [text.get_text() for text in legend.get_texts()]
    assert labels == ["msp_a", "msp_a_seed2", "msp_a_b", "msp_c", "msp_d"]
    colors = [line.get_color() for line in legend.get_lines()]
    assert colors[0] == colors[1]
    assert len(set(colors)) == 4
    assert (legend._ncols, narrow._ncols) == (2, 1)


def test_a_mean_over_fewer_objectives_is_not_drawn() -> None:
    curves = {"asr_fr": np.array([1.0, 2.0]), "asr_it": np.array([3.0, np.nan])}
    curve = mean_curve(curves, "asr")
    assert curve is not None
    np.testing.assert_array_equal(curve, [2.0, np.nan])
    assert mean_curve(curves, "st") is None


@pytest.mark.parametrize(
    "objectives",
    [
        [f"asr_{x}" for x in "abcdefghijk"] + [f"st_{x}_en" for x in "bcdefghijk"],
        ["asr_en"] + [f"st_en_{x}" for x in "abcdefghijklmno"],
        ["asr_en", "asr_de", "st_en_de", "st_en_fr", "st_de_fr", "ssl"],
    ],
)
def test_no_two_objectives_look_alike(objectives) -> None:
    styles = objective_styles(objectives, epochs=20)
    looks = {(s["color"], s["linestyle"], s["marker"]) for s in styles.values()}
    assert len(looks) == len(objectives)
