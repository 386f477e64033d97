"""Whether the method was at work, against numbers worked out by hand."""

import json

import numpy as np
import pytest
from made_up_records import change_records, forget_the_soup, level_record

from espnet_soups.report.history import History, read_history
from espnet_soups.report.method import describe_method, stayed_near_uniform, weighted_mean
from espnet_soups.report.method_text import distances, level_rows, percent, step_notes
from espnet_soups.report.results import describe_soup
from espnet_soups.report.train_log import TrainLog


@pytest.fixture
def uneven(make_experiment) -> History:
    """Three epochs that differ in their steps; in the last one none was measured."""
    steps = {1: (100, 30), 2: (300, 10), 3: (400, 0)}
    weights = {1: [0.6, 0.4], 2: [0.7, 0.3], 3: [0.5, 0.5]}
    raised = {1: (0.5, 0.6), 2: (0.1, 0.2), 3: (None, None)}

    def change(record: dict) -> None:
        epoch, level = record["epoch"], record["levels"][0]
        record["optimizer_steps"], record["measured_steps"] = steps[epoch]
        level |= {"mean_weights": weights[epoch], "mean_distance": weights[epoch][0] - 0.5}
        level |= {"weights": [0.55, 0.45], "distance": 0.05}
        record["raised"]["asr_it"], record["raised_any"] = raised[epoch]
        record["signal_share"] = {"asr_fr": None, "asr_it": 0.2 if epoch == 2 else None}

    folder = make_experiment(epochs=3)
    change_records(folder, change)
    return read_history(folder, TrainLog())


def test_weights_are_averaged_over_optimiser_steps_and_shares_over_measured_ones(uneven) -> None:
    training = describe_method(uneven)
    top, lower = training["method"]
    # (100 · 0.6 + 300 · 0.7 + 400 · 0.5) / 800
    assert top["mean_weights"] == [0.5875, 0.4125]
    assert (top["weights"], top["distance"]) == ([0.55, 0.45], 0.05)
    assert top["largest_distance"] == pytest.approx(0.2)  # of the mean of epoch 2
    assert (top["level"], top["combiner"], top["moves"], top["penalty"]) == (1, "modo", True, 1.0)
    assert (lower["level"], lower["objectives"], lower["penalty"]) == (2, ["st_fr_en"], 0.06)
    assert training["raised"]["asr_it"] == 0.4  # (30 · 0.5 + 10 · 0.1) / 40
    assert training["raised_any"] == 0.5  # (30 · 0.6 + 10 · 0.2) / 40
    assert training["signal_share"] == {"asr_it": 0.2}  # of the one epoch that knows it
    assert (training["optimizer_steps"], training["measured_steps"]) == (800, 40)


def test_a_mean_over_nothing_is_not_known() -> None:
    values = np.array([[1.0, np.nan], [3.0, np.nan], [9.0, 5.0]])
    np.testing.assert_array_equal(
        weighted_mean(values, np.array([1.0, 3.0, np.nan])), [2.5, np.nan]
    )


def test_what_was_not_measured_is_null_in_the_results(make_experiment) -> None:
    def forget(record: dict) -> None:
        record |= {"measured_steps": 0, "raised_any": None, "signal_share": {}, "raised": {}}
        record["levels"][0] |= {"distance": None, "mean_distance": None, "mean_weights": None}
        record["levels"][0]["weights"] = [None, None]

    folder = make_experiment()
    change_records(folder, forget)
    training = describe_method(read_history(folder, TrainLog()))
    top = training["method"][0]
    assert (top["weights"], top["mean_weights"]) == ([None, None], [None, None])
    assert (top["distance"], top["largest_distance"]) == (None, None)
    assert (training["raised"], training["raised_any"], training["signal_share"]) == ({}, None, {})
    assert "NaN" not in json.dumps(training)
    assert not stayed_near_uniform(training)
    assert level_rows(training)[0][2:] == ["asr_fr – (–), asr_it – (–)", "1", "–", "–"]
    assert distances(training) == "– / –"
    assert step_notes(training) == [
        "No step was measured: what the steps did to each objective is not known."
    ]


def level(far: float, size: int = 2, moves: bool = True) -> dict:
    names = [f"asr_{letter}" for letter in "abcdefgh"[:size]]
    entry = level_record(1, names, far) | {"moves": moves, "largest_distance": far}
    return entry | {"combiner": "modo" if moves else "static"}


@pytest.mark.parametrize(
    ("levels", "near", "cell"),
    [
        ([level(0.049)], True, "0.049"),
        ([level(0.05)], False, "0.05"),
        ([level(0.01), level(0.049)], True, "0.010 / 0.049"),
        ([level(0.01), level(0.231)], False, "0.010 / 0.23"),
        # One objective alone and fixed weights cannot move, wherever they are.
        ([level(0.01), level(0.0, size=1)], True, "0.010 / –"),
        ([level(0.01), level(0.4, moves=False)], True, "0.010 / –"),
        ([level(0.4, moves=False), level(0.0, size=1)], False, "–"),
        ([level(0.0, moves=False)], False, "–"),
        ([], False, "not recorded"),
    ],
)
def test_a_run_near_uniform_is_one_whose_every_moving_level_stayed_there(
    levels, near, cell
) -> None:
    training = {"trainer": "msp", "method": levels}
    assert stayed_near_uniform(training) == near
    assert distances(training) == cell


def test_a_run_without_a_soup_has_no_method(make_experiment) -> None:
    folder = make_experiment()
    change_records(folder, forget_the_soup)
    training = describe_method(read_history(folder, TrainLog())) | describe_soup({}, {})
    assert (training["method"], training["raised_any"]) == ([], None)
    assert (training["optimizer_steps"], training["measured_steps"]) == (None, None)
    assert (distances(training), percent(training["raised_any"])) == ("–", "–")
    assert not stayed_near_uniform(training)
    assert step_notes(training) == []


def test_a_row_shows_the_weights_at_the_end_and_their_mean(uneven) -> None:
    training = describe_method(uneven)
    assert level_rows(training) == [
        ["1", "modo", "asr_fr 0.550 (0.588), asr_it 0.450 (0.412)", "1", "0.05", "0.20"],
        ["2", "modo (nothing can move)", "st_fr_en 1.000 (1.000)", "0.06", "–", "–"],
    ]
    measured, shares, raised = step_notes(training)
    assert measured == "Measured: 40 of 800 steps."
    assert shares == "Share of signal in a measured gradient: asr_it 20 %."
    assert raised.endswith("asr_fr 12 %, asr_it 40 %, st_fr_en 12 %; at least one: 50 %.")
