"""Pictures of the cosines between gradients: their mean over the training, and their course."""

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from espnet_soups.report.cosines import group_curves, mean_over_epochs
from espnet_soups.report.figure import epoch_axis, line_style, marker, new_figure, side_legend
from espnet_soups.report.history import History

RANGES = (0.1, 0.2, 0.5, 1.0)  # of the colours: small cosines shall not all be white


def plot_cosines(history: History) -> Figure:
    """Draw the mean cosine of each pair of objectives over the training, conflicts in orange.

    Args:
        history: The training.

    Raises:
        ValueError: If they were never measured.
    """
    cosines, steps = _measured(history)
    mean, size = mean_over_epochs(cosines, steps), len(history.objectives)
    epochs = [
        epoch
        for epoch, own in zip(history.epochs, np.isfinite(cosines).any(axis=(1, 2)), strict=True)
        if own
    ]
    span = f"epochs {epochs[0]}–{epochs[-1]}" if len(epochs) > 1 else f"epoch {epochs[0]}"
    side = max(5.2, 0.44 * size + 1.9)
    figure = new_figure(
        side + 1.3, side, f"Cosines between gradients\nmean over all measured steps of {span}"
    )
    axes = figure.subplots()
    largest = np.nanmax(np.abs(mean))
    limit = next((bound for bound in RANGES if largest <= bound), 1.0)
    image = axes.imshow(mean, cmap="PuOr", vmin=-limit, vmax=limit)
    _write_numbers(axes, mean, limit)
    _rule_off_tasks(axes, history.objectives)
    axes.set_xticks(
        range(size), history.objectives, rotation=45, ha="right", rotation_mode="anchor"
    )
    axes.set_yticks(range(size), history.objectives)
    axes.grid(visible=False)
    label = f"cosine: below 0 conflict, above 0 agreement\n(colours span ±{limit:g})"
    figure.colorbar(image, ax=axes, shrink=0.8, label=label)
    return figure


def plot_cosine_groups(history: History) -> Figure:
    """Draw the mean cosine within and between the tasks over the epochs.

    Args:
        history: The training.

    Raises:
        ValueError: If they were never measured.
    """
    cosines, _ = _measured(history)
    figure = new_figure(7.5, 3.0, "Cosines between gradients, mean of each epoch")
    axes = figure.subplots()
    curves = group_curves(history.objectives, cosines)
    for position, (name, curve) in enumerate(curves.items()):
        axes.plot(
            history.epochs,
            curve,
            label=name,
            marker=marker(history.epochs),
            **line_style(position),
        )
    axes.axhline(0.0, color="#999999", linewidth=0.8, zorder=1)
    largest = max(float(np.nanmax(np.abs(curve))) for curve in curves.values())
    if largest < 0.05:
        axes.set_ylim(-0.05, 0.05)  # else noise about nought would look like conflict
    axes.set_ylabel("cosine\n(below 0: conflict)")
    epoch_axis(axes, history.epochs)
    side_legend(axes, len(curves))
    return figure


def cosine_text(value: float, limit: float) -> str:
    """Return a cosine as a cell shows it, with a third decimal where all are small.

    Args:
        value: The cosine.
        limit: Up to where the colours of the picture go.

    >>> cosine_text(-0.0123, 0.1), cosine_text(-0.0001, 0.1), cosine_text(0.3, 0.5)
    ('−0.012', '0.000', '0.30')
    """
    text = f"{value:.{3 if limit <= RANGES[0] else 2}f}"
    return (text if float(text) else text.removeprefix("-")).replace("-", "−")


def _measured(history: History) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if history.cosines is None or history.cosine_steps is None:
        raise ValueError("The history holds no cosines; only `trainer: msp` measures them.")
    return history.cosines, history.cosine_steps


def _write_numbers(axes: Axes, mean: NDArray[np.float64], limit: float) -> None:
    size = len(mean)
    for row, column in np.ndindex(size, size):
        value = float(mean[row, column])
        text = "–" if math.isnan(value) else cosine_text(value, limit)
        axes.text(
            column,
            row,
            "" if row == column else text,
            ha="center",
            va="center",
            fontsize=8.0 if size <= 12 else 6.5,
            color="white" if abs(value) > 0.6 * limit else "black",
        )


def _rule_off_tasks(axes: Axes, objectives: list[str]) -> None:
    tasks = [name.partition("_")[0] for name in objectives]
    for place in range(1, len(tasks)):
        if tasks[place] != tasks[place - 1]:
            axes.axhline(place - 0.5, color="#444444", linewidth=1.0)
            axes.axvline(place - 0.5, color="#444444", linewidth=1.0)
