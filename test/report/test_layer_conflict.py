"""The course of conflicts in layers, from the record of a training and from stage 8's table."""

import math

import numpy as np
import pytest

from espnet_soups.report.history import History
from espnet_soups.report.layer_conflict import layers_of_table, pairs_of_table, read_layers
from espnet_soups.report.plots.conflict_plots import (
    draw_conflict_layers,
    draw_conflict_pairs,
    plot_layers,
)
from espnet_soups.testing.planted_conflicts import LAYERS, blocks, plant

NAMES = ["asr_en", "asr_fr", "st_fr_en"]
RECORDS = [
    {"epoch": 1},
    {"epoch": 2, "layers": {"a.0": {"mean": [0.1, 0.0, 0.2], "worst": [-0.2, -0.3, -0.1]}}},
    {"epoch": 3, "layers": {"a.1": {"mean": [None, None, None], "worst": [0.2, 0.1, 0.3]}}},
]


def texts_of(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def test_epochs_and_layers_that_were_not_measured_are_not_known():
    course = read_layers(RECORDS)
    assert (course.layers, course.times) == (["a.0", "a.1"], ["1", "2", "3"])
    assert course.mean[0, 1].tolist() == [0.1, 0.0, 0.2]
    assert course.worst[1, 2].tolist() == [0.2, 0.1, 0.3]
    known = np.isfinite(course.mean[:, :, 0])
    assert known.tolist() == [[False, True, False], [False, False, False]]
    assert read_layers([{"epoch": 1}, {"epoch": 2, "layers": {}}]) is None


def test_a_table_has_the_worst_pair_of_each_module_with_an_interval_for_all_pairs():
    cosines = blocks([2, 1], 0.4, -0.1)
    cosines[1, 2] = -0.5
    rows = plant(NAMES, cosines) + plant(NAMES, blocks([3], math.nan, 0), checkpoint="last")
    course = layers_of_table(rows)
    assert course.layers == list(LAYERS)
    assert course.times == ["start", "last"]
    value, low, high = course.worst[0, 0]
    assert value == -0.5
    assert high - value == pytest.approx(value - low)
    assert high - value > 1.96 * 0.05  # of the pair alone
    assert np.isnan(course.worst[:, 1]).all()


def test_pairs_are_drawn_with_intervals_and_those_that_differ_are_framed():
    cosines = blocks([2, 1], 0.4, 0.01)
    cosines[0, 2] = math.nan
    rows = plant(NAMES, cosines)
    (pairs,) = pairs_of_table(rows)
    assert pairs.objectives == NAMES
    assert pairs.cosine[1, 0].tolist() == pairs.cosine[0, 1].tolist()
    figure = draw_conflict_pairs(history(rows))
    assert len(figure.axes[0].patches) == 2  # one pair, both ways
    assert "0.40\n[0.30, 0.50]" in texts_of(figure)
    assert texts_of(figure).count("–") == 2


def test_many_epochs_have_no_numbers_and_few_have():
    course = read_layers(RECORDS * 10)
    assert texts_of(plot_layers(course, "epoch")) == []
    few = plot_layers(read_layers(RECORDS), "epoch")
    assert "−0.20" in texts_of(few)
    assert len(few.axes[1].patches) == 1


def test_modules_of_checkpoints_are_drawn_side_by_side():
    rows = plant(NAMES, blocks([2, 1], 0.4, -0.4))
    figure = draw_conflict_layers(
        history(rows + plant(NAMES, blocks([3], 0.2, 0), checkpoint="last"))
    )
    labels = [label.get_text() for label in figure.axes[1].get_xticklabels()]
    assert labels == ["start", "last"]
    assert len(figure.axes[1].patches) == len(LAYERS)


def history(rows):
    return History(NAMES, [1], 1.0, {}, {}, {}, [], conflicts=rows)
