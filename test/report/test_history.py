"""Curves from soup.jsonl."""

import numpy as np
import pytest
from made_up_records import change_records, forget_the_soup

from espnet_soups.report.history import read_history
from espnet_soups.report.train_log import TrainLog


def test_curves_are_those_of_the_records(make_experiment) -> None:
    history = read_history(make_experiment(), TrainLog())
    assert history.epochs == [1, 2, 3, 4]
    assert history.seconds == pytest.approx(4 * 30.5)
    assert history.valid_seconds == pytest.approx(8.0)
    top, lower = history.levels
    assert (top.objectives, lower.objectives) == (["asr_fr", "asr_it"], ["st_fr_en"])
    assert (top.combiner, top.can_move, lower.can_move) == ("modo", True, False)
    np.testing.assert_allclose(top.weights[:, 1], [0.48, 0.46, 0.44, 0.42])
    np.testing.assert_allclose(top.mean_weights[:, 1], [0.49, 0.48, 0.47, 0.46])
    np.testing.assert_allclose(top.distances, [0.02, 0.04, 0.06, 0.08])
    np.testing.assert_allclose(top.mean_distances, [0.01, 0.02, 0.03, 0.04])
    np.testing.assert_allclose(lower.penalties, [0.02, 0.04, 0.06, 0.08])
    assert history.losses["st_fr_en"].tolist() == [4.0, 2.0, 4.0 / 3.0, 1.0]
    assert history.accuracies["asr_it"].tolist() == [0.25, 0.5, 0.75, 1.0]
    assert history.cosines is not None
    assert history.cosines.shape == (4, 3, 3)
    assert history.norms["st_fr_en"].tolist() == [2.0] * 4
    assert history.signal_shares["asr_fr"].tolist() == [0.4] * 4
    np.testing.assert_allclose(history.raised["asr_it"], [0.1, 0.2, 0.3, 0.4])
    assert history.raised_any is not None
    np.testing.assert_allclose(history.raised_any, [0.2, 0.4, 0.6, 0.8])
    assert history.optimizer_steps is not None
    assert history.optimizer_steps.tolist() == [10, 20, 30, 40]
    assert history.measured_steps is not None
    assert history.measured_steps.tolist() == [1, 2, 3, 4]
    assert history.unalignable == {"asr_it": 1}


def test_null_is_not_known(make_experiment) -> None:
    def lose(record: dict) -> None:
        if record["epoch"] == 4:
            record["cosine"] = [[None] * 3] * 3
            record["raised_any"] = None
            record["raised"]["asr_it"] = None
            record["levels"][0]["mean_weights"] = None
        if record["epoch"] == 2:
            record["loss"]["asr_fr"] = None
            record["gradient_norm"]["asr_fr"] = 0.0
        record["gradient_norm"]["asr_it"] = None
        record["signal_share"] = {}

    folder = make_experiment()
    change_records(folder, lose)
    history = read_history(folder, TrainLog())
    assert history.cosines is not None
    assert np.isfinite(history.cosines[:, 0, 1]).tolist() == [True, True, True, False]
    assert np.isnan(history.losses["asr_fr"]).tolist() == [False, True, False, False]
    assert history.raised_any is not None
    for curve in (history.raised_any, history.raised["asr_it"], history.levels[0].mean_weights):
        assert np.isnan(curve[3]).all()
        assert np.isfinite(curve[:3]).all()
    assert np.isnan(history.norms["asr_fr"]).tolist() == [False, True, False, False]
    assert list(history.norms) == ["asr_fr", "st_fr_en"]  # asr_it was never told from noise
    assert history.signal_shares == {}


def test_nothing_is_known_of_the_method_where_no_step_was_measured(make_experiment) -> None:
    def measure_nothing(record: dict) -> None:
        names = record["objectives"]
        record["measured_steps"] = 0
        for key in ("gradient_norm", "signal_share", "raised"):
            record[key] = dict.fromkeys(names)
        record |= {"raised_any": None, "cosine": None}

    folder = make_experiment()
    change_records(folder, measure_nothing)
    history = read_history(folder, TrainLog())
    assert (history.norms, history.signal_shares, history.raised) == ({}, {}, {})
    assert history.raised_any is None
    assert history.cosines is None
    assert history.measured_steps is not None
    assert history.measured_steps.tolist() == [0] * 4


def test_weights_are_found_by_name_where_the_order_has_changed(make_experiment) -> None:
    def turn(record: dict) -> None:
        if record["epoch"] == 1:
            for key in ("objectives", "weights", "mean_weights"):
                record["levels"][0][key].reverse()

    folder = make_experiment()
    change_records(folder, turn)
    level = read_history(folder, TrainLog()).levels[0]
    np.testing.assert_allclose(level.weights[:, 1], [0.48, 0.46, 0.44, 0.42])
    np.testing.assert_allclose(level.mean_weights[:, 1], [0.49, 0.48, 0.47, 0.46])


def test_a_run_without_a_soup_has_one_level_of_which_nothing_else_is_known(make_experiment) -> None:
    folder = make_experiment()
    change_records(folder, forget_the_soup)
    history = read_history(folder, TrainLog())
    (level,) = history.levels
    assert level.objectives == ["asr_fr", "asr_it", "st_fr_en"]
    assert (level.combiner, level.moves, level.can_move) == (None, None, False)
    assert np.isnan(level.distances).all()
    assert (history.norms, history.signal_shares, history.raised) == ({}, {}, {})
    assert (history.cosines, history.optimizer_steps, history.measured_steps) == (None,) * 3


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", r"soup.jsonl, line 2 is not JSON"),
        ("[1]", r"soup.jsonl, line 2 must hold an object, but holds \[1\]"),
        (
            '{"epoch": 2}',
            r"soup.jsonl is not as the trainer writes it \(KeyError\('objectives'\)\)",
        ),
    ],
)
def test_a_malformed_record_is_named(make_experiment, line: str, message: str) -> None:
    path = make_experiment(epochs=1) / "soup.jsonl"
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(ValueError, match=message):
        read_history(path.parent, TrainLog())


def test_how_often_utterances_came_is_added_up_over_epochs(make_experiment) -> None:
    folder = make_experiment()

    def count(record: dict) -> None:
        french = {"utterances": 10, "seen": 10, "drawn": 5 * record["epoch"], "most": 2}
        record["seen"] = {"languages": {"fr": french}, "datasets": {"fr": {**french, "drawn": 1}}}

    assert read_history(folder, TrainLog()).seen == {}
    change_records(folder, count)
    seen = read_history(folder, TrainLog()).seen
    assert seen == pytest.approx({"fr": 0.5 + 1.0 + 1.5 + 2.0, "corpus fr": 0.4})
