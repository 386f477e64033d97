"""Curves from soup.jsonl."""

import json

import numpy as np
import pytest

from espnet_soups.report.history import read_history
from espnet_soups.report.train_log import TrainLog


def test_curves_are_those_of_the_records(make_experiment) -> None:
    history = read_history(make_experiment(), TrainLog())
    assert history.epochs == [1, 2, 3, 4]
    assert history.seconds == pytest.approx(4 * 30.5)
    assert history.valid_seconds == pytest.approx(8.0)
    assert history.levels == [["asr_fr", "asr_it"], ["st_fr_en"]]
    assert history.weights["asr_it"].tolist() == [0.5] * 4
    np.testing.assert_allclose(history.penalties[2], [0.02, 0.04, 0.06, 0.08])
    assert history.losses["st_fr_en"].tolist() == [4.0, 2.0, 4.0 / 3.0, 1.0]
    assert history.accuracies["asr_it"].tolist() == [0.25, 0.5, 0.75, 1.0]
    assert history.cosines is not None
    assert history.cosines.shape == (4, 3, 3)
    assert history.unalignable == {"asr_it": 1}


def test_null_is_not_known(make_experiment) -> None:
    path = make_experiment() / "soup.jsonl"
    records = [json.loads(line) for line in path.read_text().splitlines()]
    records[-1]["cosine"] = [[None] * 3] * 3
    records[1]["loss"]["asr_fr"] = None
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    history = read_history(path.parent, TrainLog())
    assert history.cosines is not None
    assert np.isfinite(history.cosines[:, 0, 1]).tolist() == [True, True, True, False]
    assert np.isnan(history.losses["asr_fr"]).tolist() == [False, True, False, False]


def test_static_weights_are_no_curve(make_experiment) -> None:
    path = make_experiment() / "soup.jsonl"
    record = json.loads(path.read_text().splitlines()[0])
    names = record["objectives"]
    level = {"level": 1, "objectives": names, "penalty": 1.0, "weights": [1.0, 1.0, 0.5]}
    record |= {"levels": [level], "gradient_norm": {}, "cosine": None, "skipped_steps": None}
    path.write_text(json.dumps(record) + "\n")
    history = read_history(path.parent, TrainLog())
    assert (history.weights, history.penalties, history.norms) == ({}, {}, {})
    assert history.cosines is None


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
