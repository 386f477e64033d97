"""Every picture that an experiment has data for, and why the others are left out."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from espnet_soups.report.comparison_plot import plot_comparison, read_histories
from espnet_soups.report.cosine_plots import plot_cosine_groups, plot_cosines
from espnet_soups.report.figure import save, style_context
from espnet_soups.report.history import History
from espnet_soups.report.results import Decoding
from espnet_soups.report.score_plot import plot_scores
from espnet_soups.report.training_plots import (
    plot_accuracies,
    plot_losses,
    plot_norms,
    plot_penalties,
    plot_weights,
)

SCORES = "scores"
TITLES = {
    "loss": "Training and validation loss",
    "accuracy": "Validation accuracy",
    "weights": "Weights of the objectives",
    "penalties": "Penalties of the levels",
    "gradient_norm": "Gradient norms",
    "cosine": "Cosines between gradients, mean over the training",
    "cosine_groups": "Cosines between gradients, by epoch",
}


def draw_training(history: History, folder: Path) -> tuple[dict[str, Path], dict[str, str]]:
    """Draw the pictures of a training; those of an earlier report are removed.

    Args:
        history: Its curves.
        folder: Where the PNG files go.

    Returns:
        (the file of each picture by name, why each other one was left out).
    """
    left_out: dict[str, str] = {}
    if not history.accuracies:
        left_out["accuracy"] = "no accuracy was recorded"
    if not history.weights:
        left_out["weights"] = "static weights, no soup"
    if not history.penalties:
        left_out["penalties"] = "one level only"
    if not history.norms:
        left_out["gradient_norm"] = "no gradient was measured"
    if history.cosines is None:
        left_out |= dict.fromkeys(("cosine", "cosine_groups"), "no pair of gradients was measured")
    drawings: dict[str, Callable[[History], Figure]] = {
        "loss": plot_losses,
        "accuracy": plot_accuracies,
        "weights": plot_weights,
        "penalties": plot_penalties,
        "gradient_norm": plot_norms,
        "cosine": plot_cosines,
        "cosine_groups": plot_cosine_groups,
    }
    paths = {name: folder / f"{name}.png" for name in TITLES}
    for name in TITLES:
        if name in left_out:
            paths.pop(name).unlink(missing_ok=True)
            continue
        with style_context():
            save(drawings[name](history), paths[name])
    return paths, left_out


def draw_scores(decodings: Sequence[Decoding], folder: Path) -> dict[str, Path]:
    """Draw the scores of each decoding; pictures of decodings that are gone are removed.

    Returns:
        The file of each, by `<inference_tag>/<set>`.
    """
    paths = {item.label: folder / f"{SCORES}_{_file_name(item.label)}.png" for item in decodings}
    for old in folder.glob(f"{SCORES}*.png"):
        if old not in paths.values():
            old.unlink()
    for item in decodings:
        with style_context():
            save(plot_scores(item.scores, item.label), paths[item.label])
    return paths


def draw_comparison(expdir: Path, name: str) -> tuple[Path | None, dict[str, str]]:
    """Draw the validation curves of all experiments of a directory.

    Returns:
        (the picture, None if no experiment has a curve; why experiments were left out).
    """
    histories, left_out = read_histories(expdir)
    if not histories:
        return None, left_out
    with style_context():
        save(plot_comparison(histories), expdir / name)
    return expdir / name, left_out


def _file_name(label: str) -> str:
    return re.sub(r"[^\w.-]", "_", label)
