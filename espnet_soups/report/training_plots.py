"""Pictures of a training: losses, weights, penalties, gradient norms, cosines."""

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from espnet_soups.report.figure import (
    COLORS,
    epoch_axis,
    line_style,
    marker,
    new_figure,
    side_legend,
)
from espnet_soups.report.history import Curves, History

PANELS = 5  # small pictures in a row


def plot_losses(history: History) -> Figure:
    """Draws training and validation loss of each objective, a small picture each.

    Pictures of one task share their scale, so that languages can be compared.
    """
    groups = _by_task(history.objectives)
    columns = min(PANELS, max(len(names) for names in groups.values()))
    rows = [
        names[i : i + columns] for names in groups.values() for i in range(0, len(names), columns)
    ]
    figure = new_figure(max(2.1 * columns, 4.2), 1.75 * len(rows) + 0.9, "Loss per label token")
    grid = figure.subplots(len(rows), columns, squeeze=False)
    limits = {task: _limits(history, names) for task, names in groups.items()}
    for number, names in enumerate(rows):
        for axes, name in zip(grid[number], names, strict=False):
            for curves, color, dashes in (
                (history.losses, COLORS[0], "-"),
                (history.valid_losses, COLORS[1], "--"),
            ):
                axes.plot(
                    history.epochs, curves[name], dashes, color=color, marker=marker(history.epochs)
                )
            axes.set_title(name)
            axes.set_ylim(*limits[_task(name)])
            epoch_axis(axes, history.epochs)
        grid[number][0].set_ylabel("loss (nats)")
        for axes in grid[number][len(names) :]:
            axes.set_axis_off()
    handles = [
        Line2D([], [], color=COLORS[0], linestyle="-", label="training"),
        Line2D([], [], color=COLORS[1], linestyle="--", label="validation"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=2)
    return figure


def plot_weights(history: History) -> Figure:
    """Draws λ of each level, the top level first; the thin line is the uniform weight."""
    levels = history.levels
    figure = new_figure(
        7.5,
        sum(_height(len(level)) for level in levels) + 0.6,
        "Weights λ of the objectives on each level",
    )
    grid = figure.subplots(
        len(levels), 1, squeeze=False, height_ratios=[_height(len(level)) for level in levels]
    )
    for number, (axes, level) in enumerate(zip(grid[:, 0], levels, strict=True), start=1):
        for position, name in enumerate(level):
            _line(axes, history, history.weights[name], position, name)
        uniform = 1.0 / len(level)
        axes.axhline(uniform, color="#999999", linewidth=0.8, zorder=1)
        axes.set_title(f"level {number}" + (" (top)" if number == 1 else ""))
        axes.set_ylabel("λ (share of 1)")
        axes.set_ylim(bottom=0.0)
        epoch_axis(axes, history.epochs, label=number == len(levels))
        side_legend(axes)
    return figure


def plot_penalties(history: History) -> Figure:
    """Draws the penalty of each lower level over the epochs."""
    figure = new_figure(6.0, 3.0, "Penalty of the lower levels")
    axes = figure.subplots()
    for position, (level, curve) in enumerate(history.penalties.items()):
        _line(axes, history, curve, position, f"level {level}")
    axes.axhline(1.0, color="#999999", linewidth=0.8, zorder=1)
    axes.set_ylabel("penalty c (top level = 1)")
    axes.set_ylim(bottom=0.0)
    epoch_axis(axes, history.epochs)
    side_legend(axes)
    return figure


def plot_norms(history: History) -> Figure:
    """Draws the norm of each objective's gradient on the measured layers."""
    figure = new_figure(7.5, max(3.4, _height(len(history.norms))), "Norm of the gradients")
    axes = figure.subplots()
    for position, (name, curve) in enumerate(history.norms.items()):
        _line(axes, history, curve, position, name)
    axes.set_yscale("log")
    axes.set_ylabel("mean norm per step (log scale)")
    epoch_axis(axes, history.epochs)
    side_legend(axes)
    return figure


def plot_cosines(history: History) -> Figure:
    """Draws the cosines between the objectives' gradients, conflicts in orange.

    Raises:
        ValueError: If they were never measured.
    """
    if history.cosine is None:
        raise ValueError("The history holds no cosines; only `trainer: msp` measures them.")
    size = len(history.objectives)
    side = max(4.2, 0.42 * size + 1.8)
    title = f"Cosines between gradients, mean of epoch {history.cosine_epoch}"
    figure = new_figure(side + 0.9, side, title)
    axes = figure.subplots()
    image = axes.imshow(history.cosine, cmap="PuOr_r", vmin=-1.0, vmax=1.0)
    for row, column in np.ndindex(size, size):
        value = history.cosine[row, column]
        text = "–" if math.isnan(value) else f"{value:.2f}"
        dark = not math.isnan(value) and abs(value) > 0.6
        axes.text(
            column,
            row,
            "1" if row == column else text,
            ha="center",
            va="center",
            fontsize=8.0 if size <= 12 else 6.5,
            color="white" if dark else "black",
        )
    axes.set_xticks(range(size), history.objectives, rotation=45, ha="right")
    axes.set_yticks(range(size), history.objectives)
    axes.grid(visible=False)
    figure.colorbar(image, ax=axes, shrink=0.8, label="cosine (−1 conflict, +1 agreement)")
    return figure


def _line(axes: Axes, history: History, curve: np.ndarray, position: int, name: str) -> None:
    axes.plot(
        history.epochs, curve, label=name, marker=marker(history.epochs), **line_style(position)
    )


def _height(lines: int) -> float:
    return max(1.9, 0.17 * (lines if lines <= 12 else math.ceil(lines / 2)) + 0.7)


def _task(name: str) -> str:
    return name.partition("_")[0]


def _by_task(names: list[str]) -> dict[str, list[str]]:
    return {
        task: [name for name in names if _task(name) == task]
        for task in dict.fromkeys(_task(name) for name in names)
    }


def _limits(history: History, names: list[str]) -> tuple[float, float]:
    curves: list[Curves] = [history.losses, history.valid_losses]
    values = np.concatenate([item[name] for item in curves for name in names])
    finite = values[np.isfinite(values)]
    top = float(finite.max()) if finite.size else 1.0
    return min(0.0, float(finite.min()) if finite.size else 0.0), 1.06 * top or 1.0
