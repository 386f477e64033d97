"""Pictures of the cosines between gradients: their mean over the training, and their course."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from espnet_soups.report.cosines import group_curves, mean_over_epochs
from espnet_soups.report.history import History
from espnet_soups.report.plots.figure import (
    draw_curve,
    epoch_axis,
    line_style,
    marker,
    new_figure,
    side_legend,
)

SMALLEST = 0.05  # range of a picture: in a smaller one, chance would look like conflict
MOST_NUMBERS = 40  # with more objectives, cells have no numbers
LONGEST_SIDE = 30.0  # inches of a matrix; with more objectives, its cells are smaller
POINTS = 72.0  # of an inch


def plot_cosines(history: History) -> Figure:
    """Draw the mean cosine of each pair of objectives over the training, conflicts in orange.

    Args:
        history: The curves of the training.

    Raises:
        ValueError: If no cosine was measured.
    """
    cosines, steps = _measured(history)
    mean, size = mean_over_epochs(cosines, steps), len(history.objectives)
    epochs = [
        epoch
        for epoch, own in zip(history.epochs, np.isfinite(cosines).any(axis=(1, 2)), strict=True)
        if own
    ]
    span = f"epochs {epochs[0]}–{epochs[-1]}" if len(epochs) > 1 else f"epoch {epochs[0]}"
    side = min(LONGEST_SIDE, max(5.2, 0.44 * size + 1.9))
    figure = new_figure(
        side + 1.3,
        side,
        "Cosines between gradients, without the noise of the batches\n"
        f"mean over all measured steps of {span}",
    )
    axes = figure.subplots()
    largest = float(np.nanmax(np.abs(mean)))
    limit = color_limit(largest)
    image = axes.imshow(mean, cmap="PuOr", vmin=-limit, vmax=limit)
    if size <= MOST_NUMBERS:
        _write_numbers(axes, mean, limit)
    _rule_off_tasks(axes, history.objectives)
    name_cells(axes, history.objectives, side)
    label = f"cosine: below 0 conflict, above 0 agreement\n(colours span ±{limit:g})"
    beyond = "both" if largest > limit else "neither"
    figure.colorbar(image, ax=axes, shrink=0.8, label=label, extend=beyond)
    return figure


def plot_cosine_groups(history: History) -> Figure:
    """Draw the mean cosine within and between the tasks over the epochs.

    Args:
        history: The curves of the training.

    Raises:
        ValueError: If no cosine was measured.
    """
    cosines, _ = _measured(history)
    figure = new_figure(
        7.5, 3.2, "Cosines between gradients, mean of each epoch,\nwithout the noise of the batches"
    )
    axes = figure.subplots()
    curves = group_curves(history.objectives, cosines)
    for position, (name, curve) in enumerate(curves.items()):
        style = {"label": name, "marker": marker(history.epochs), **line_style(position)}
        draw_curve(axes, history.epochs, np.clip(curve, -1.0, 1.0), **style)
    axes.axhline(0.0, color="#999999", linewidth=0.8, zorder=1)
    values = np.clip(np.concatenate(list(curves.values())), -1.0, 1.0)
    low, high = min(np.nanmin(values), -SMALLEST), max(np.nanmax(values), SMALLEST)
    margin = 0.04 * (high - low)
    axes.set_ylim(low - margin, high + margin)
    axes.set_ylabel("cosine\n(below 0: conflict)")
    epoch_axis(axes, history.epochs)
    side_legend(axes, len(curves))
    return figure


def name_cells(axes: Axes, objectives: Sequence[str], side: float) -> None:
    """Write the names of the objectives on both sides of a matrix, in letters that fit its cells.

    Args:
        axes: The panel of the matrix.
        objectives: Their names.
        side: Side of the picture, inches.
    """
    places = range(len(objectives))
    letters = min(9.0, 0.75 * POINTS * side / len(objectives))
    axes.set_xticks(
        places, objectives, rotation=45, ha="right", rotation_mode="anchor", fontsize=letters
    )
    axes.set_yticks(places, objectives, fontsize=letters)
    axes.grid(visible=False)


def color_limit(largest: float) -> float:
    """Return the limit of the colours, which fits the data since most cosines are small.

    Args:
        largest: The largest absolute cosine; without noise it can exceed 1 slightly.

    >>> color_limit(0.003), color_limit(0.213), color_limit(1.04)
    (0.05, 0.22, 1.0)
    """
    return min(1.0, max(SMALLEST, math.ceil(100.0 * largest) / 100.0))


def cosine_text(value: float, limit: float) -> str:
    """Return a cosine as text for a cell, with a third decimal if all are small.

    Args:
        value: The cosine.
        limit: Limit of the colours of the picture.

    >>> cosine_text(-0.0123, 0.1), cosine_text(-0.0001, 0.1), cosine_text(0.3, 0.5)
    ('−0.012', '0.000', '0.30')
    """
    text = f"{value:.{3 if limit <= 0.1 else 2}f}"
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
