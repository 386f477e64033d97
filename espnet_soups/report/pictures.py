"""Draws every picture that an experiment has data for, and says which it has none for."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from espnet_soups.report.figure import save, style_context
from espnet_soups.report.history import History
from espnet_soups.report.score_plot import plot_scores
from espnet_soups.report.training_plots import (
    plot_cosines,
    plot_losses,
    plot_norms,
    plot_penalties,
    plot_weights,
)

TITLES = {
    "scores": "Scores with 95 % intervals",
    "loss": "Training and validation loss",
    "weights": "Weights of the objectives",
    "penalties": "Penalties of the levels",
    "gradient_norm": "Gradient norms",
    "cosine": "Cosines between gradients",
}


def draw_pictures(
    history: History, scores: Mapping[str, Any], folder: Path
) -> tuple[dict[str, Path], dict[str, str]]:
    """Draws the pictures of an experiment; those of an earlier report are removed.

    Args:
        history: Its curves.
        scores: What `scores.json` holds.
        folder: Where the PNG files go.

    Returns:
        (the file of each picture by name, why each other one was left out).
    """
    left_out: dict[str, str] = {}
    if not history.weights:
        left_out["weights"] = "static weights, no soup"
    if not history.penalties:
        left_out["penalties"] = "one level only"
    if not history.norms:
        left_out["gradient_norm"] = "no gradient was measured"
    if history.cosine is None:
        left_out["cosine"] = "no pair of gradients was measured"
    drawings: dict[str, Callable[[], Figure]] = {
        "scores": lambda: plot_scores(scores),
        "loss": lambda: plot_losses(history),
        "weights": lambda: plot_weights(history),
        "penalties": lambda: plot_penalties(history),
        "gradient_norm": lambda: plot_norms(history),
        "cosine": lambda: plot_cosines(history),
    }
    paths = {name: folder / f"{name}.png" for name in TITLES}
    for name in TITLES:
        if name in left_out:
            paths.pop(name).unlink(missing_ok=True)
            continue
        with style_context():
            save(drawings[name](), paths[name])
    return paths, left_out
