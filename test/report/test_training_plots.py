"""Pictures of a training that has self-supervision on a level of its own."""

import json

import pytest

from espnet_soups.report.figure import style_context
from espnet_soups.report.history import History, read_history
from espnet_soups.report.train_log import TrainLog
from espnet_soups.report.training_plots import plot_accuracies, plot_losses, plot_weights


@pytest.fixture
def history(make_experiment) -> History:
    """Recognition over translation over self-supervision."""
    names = ["asr_en", "asr_fr", "st_fr_en"]
    path = make_experiment(objectives=names, epochs=2) / "soup.jsonl"
    records = [json.loads(line) for line in path.read_text().splitlines()]
    for record in records:
        record |= {"objectives": [*names, "ssl"], "cosine": None, "cosine_steps": None}
        for kind in ("loss", "valid_loss", "valid_accuracy", "gradient_norm"):
            record[kind]["ssl"] = 0.5
        level = {"level": 3, "objectives": ["ssl"], "penalty": 0.1, "weights": [1.0]}
        record["levels"].append(level)
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return read_history(path.parent, TrainLog())


def test_losses_stand_below_those_of_their_language_and_the_last_name_the_epoch(history) -> None:
    with style_context():
        figure = plot_losses(history)
    grid = [[axes.get_title() for axes in figure.axes[row : row + 2]] for row in (0, 2, 4)]
    assert grid == [["asr_en", "asr_fr"], ["", "st_fr_en"], ["ssl", ""]]
    named = [axes.get_title() for axes in figure.axes if axes.get_xlabel() == "epoch"]
    assert named == ["st_fr_en", "ssl"]
    assert figure.get_suptitle() == "Loss per label token (ssl: per prediction)"


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
    assert [axes.get_title() for axes in figure.axes] == ["level 1 (top)"]
    labels = [line.get_label() for line in figure.axes[0].get_lines()]
    assert labels == ["asr_en", "asr_fr", "uniform"]
    assert "(st_fr_en, ssl: alone on the level, λ = 1)" in figure.get_suptitle()
