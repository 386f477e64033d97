"""All pictures of an experiment, and the reasons why some are left out."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from espnet_soups.report.history import History
from espnet_soups.report.plots.comparison_plot import plot_comparison, read_histories
from espnet_soups.report.plots.conflict_plots import (
    draw_conflict_layers,
    draw_conflict_pairs,
    draw_layers,
)
from espnet_soups.report.plots.cosine_plots import plot_cosine_groups, plot_cosines
from espnet_soups.report.plots.figure import save, style_context
from espnet_soups.report.plots.measured_plots import plot_norms, plot_raised
from espnet_soups.report.plots.score_plot import plot_scores
from espnet_soups.report.plots.training_plots import (
    plot_accuracies,
    plot_losses,
    plot_penalties,
    plot_valid_scores,
    plot_weights,
)
from espnet_soups.report.results import Decoding

SCORES = "scores"
TITLES = {
    "loss": "Training and validation loss",
    "accuracy": "Validation accuracy",
    "valid_scores": "Scores of part of the validation set",
    "weights": "Weights of the objectives, minus uniform",
    "penalties": "Penalties of the levels",
    "raised": "Steps that raised an objective",
    "gradient_norm": "Gradient norms, without the noise of the batches",
    "cosine": "Cosines between gradients, mean over the training",
    "cosine_groups": "Cosines between gradients, by epoch",
    "layers": "Conflict in each measured layer, by epoch",
    "conflict_pairs": "Conflicts of the checkpoints of stage 8",
    "conflict_layers": "Conflicts of the checkpoints of stage 8, by module",
}
DRAWINGS: dict[str, Callable[[History], Figure]] = {
    "loss": plot_losses,
    "accuracy": plot_accuracies,
    "valid_scores": plot_valid_scores,
    "weights": plot_weights,
    "penalties": plot_penalties,
    "raised": plot_raised,
    "gradient_norm": plot_norms,
    "cosine": plot_cosines,
    "cosine_groups": plot_cosine_groups,
    "layers": draw_layers,
    "conflict_pairs": draw_conflict_pairs,
    "conflict_layers": draw_conflict_layers,
}


def draw_training(history: History, folder: Path) -> tuple[dict[str, Path], dict[str, str]]:
    """Draw the pictures of a training, and remove those of an earlier report without data.

    Args:
        history: The curves of the training.
        folder: Folder for the PNG files.

    Returns:
        (the file of each picture by name, the reason why another was left out by name).
    """
    left_out = missing_pictures(history)
    paths = {name: folder / f"{name}.png" for name in TITLES}
    for name in TITLES:
        if name in left_out:
            paths.pop(name).unlink(missing_ok=True)
            continue
        with style_context():
            save(DRAWINGS[name](history), paths[name])
    return paths, left_out


def missing_pictures(history: History) -> dict[str, str]:
    """Return the reason why a picture has no data, by name of the picture.

    Args:
        history: The curves of the training.
    """
    unmeasured = "no step was measured"
    pairs = "no pair of gradients was measured" if history.raised else unmeasured
    layers = "no layer was measured in enough steps" if history.raised else unmeasured
    lacking = {
        "accuracy": (not history.accuracies, "no accuracy was recorded"),
        "valid_scores": (not history.scores, "no scores while training (`scores_conf`)"),
        "weights": (
            not any(level.can_move for level in history.levels),
            "no weight can move: static weights, or one objective alone on its level",
        ),
        "penalties": (len(history.levels) < 2, "one level only"),
        "raised": (not history.raised, unmeasured),
        "gradient_norm": (not history.norms, unmeasured),
        "cosine": (history.cosines is None, pairs),
        "cosine_groups": (history.cosines is None, pairs),
        "layers": (history.layers is None, layers),
        "conflict_pairs": (not history.conflicts, "stage 8 has measured nothing"),
        "conflict_layers": (not history.conflicts, "stage 8 has measured nothing"),
    }
    return {name: why for name, (lacks, why) in lacking.items() if lacks}


def draw_scores(decodings: Sequence[Decoding], folder: Path) -> dict[str, Path]:
    """Draw the scores of each decoding, and remove pictures of decodings that no longer exist.

    Args:
        decodings: The decodings.
        folder: Folder for the PNG files.

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

    Args:
        expdir: Folder with the experiments.
        name: Name of the PNG file in it.

    Returns:
        (the picture, None if no experiment has a curve; reasons why experiments were left out).
    """
    histories, left_out = read_histories(expdir)
    if not histories:
        return None, left_out
    with style_context():
        save(plot_comparison(histories), expdir / name)
    return expdir / name, left_out


def _file_name(label: str) -> str:
    return re.sub(r"[^\w.-]", "_", label)
