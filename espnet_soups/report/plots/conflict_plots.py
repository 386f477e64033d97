"""Pictures of conflict: pairs of objectives with their intervals, and layers over time."""

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from espnet_soups.conflict.significance import differs
from espnet_soups.report.history import History
from espnet_soups.report.layer_conflict import (
    LayerCourse,
    PairCosines,
    layers_of_table,
    pairs_of_table,
)
from espnet_soups.report.plots.cosine_plots import (
    LONGEST_SIDE,
    color_limit,
    cosine_text,
    name_cells,
)
from espnet_soups.report.plots.figure import new_figure

MOST_CHECKPOINTS = 4  # in a picture of pairs: the first ones and the last
MOST_NUMBERS = 12  # with more columns, cells have no numbers


def draw_layers(history: History) -> Figure:
    """Draw the conflict of each measured layer over the epochs of a training.

    Args:
        history: The curves of the training.

    Raises:
        ValueError: If no layer was measured.
    """
    if history.layers is None:
        raise ValueError("The history holds no layer; only `trainer: msp` measures them.")
    return plot_layers(history.layers, "epoch")


def draw_conflict_pairs(history: History) -> Figure:
    """Draw the pairs that stage 8 measured.

    Args:
        history: The curves of the training, with the table of stage 8.
    """
    return plot_pairs(pairs_of_table(history.conflicts))


def draw_conflict_layers(history: History) -> Figure:
    """Draw the modules that stage 8 measured.

    Args:
        history: The curves of the training, with the table of stage 8.
    """
    return plot_layers(layers_of_table(history.conflicts), "checkpoint")


def plot_pairs(found: list[PairCosines]) -> Figure:
    """Draw the cosine of every pair with its interval, a panel per checkpoint.

    Pairs that differ from 0, when all of a checkpoint are tested together, have a frame.

    Args:
        found: The cosines of each checkpoint, at least one.
    """
    shown = found if len(found) <= MOST_CHECKPOINTS else [*found[: MOST_CHECKPOINTS - 1], found[-1]]
    size = len(shown[0].objectives)
    side = min(LONGEST_SIDE, max(5.2, 0.74 * size + 1.2))
    title = "Cosines between gradients of different batches, with 95 % intervals"
    figure = new_figure(side + 1.0, 0.75 * side * len(shown) + 0.9, title)
    panels = figure.subplots(len(shown), 1, squeeze=False)[:, 0]
    limit = color_limit(_largest(np.stack([pairs.cosine[:, :, 0] for pairs in shown])))
    for axes, pairs in zip(panels, shown, strict=True):
        image = axes.imshow(
            pairs.cosine[:, :, 0], cmap="PuOr", vmin=-limit, vmax=limit, aspect="auto"
        )
        _write_pairs(axes, pairs, limit)
        name_cells(axes, pairs.objectives, 0.75 * side)
        axes.set_title(pairs.checkpoint)
    label = "cosine: below 0 conflict, above 0 agreement; framed: differs from 0; –: not known"
    figure.colorbar(image, ax=panels, shrink=0.8, label=label)
    return figure


def plot_layers(course: LayerCourse, what: str) -> Figure:
    """Draw the conflict of each layer over time: the mean over all pairs, and the worst pair.

    Cells whose interval lies below 0 have a frame; if there are many, the others are pale instead.

    Args:
        course: The conflict of the layers.
        what: Name of the columns, such as "epoch".
    """
    columns = len(course.times)
    width = min(11.0, max(6.6, 0.5 * columns + 3.4))
    height = max(3.6, 0.62 * len(course.layers) + 1.9)
    title = "Cosines between gradients in each layer,\nwithout the noise of the batches"
    few = columns <= MOST_NUMBERS
    marked = "framed" if few else "strong colours"
    figure = new_figure(width, height, title)
    panels = figure.subplots(2, 1, sharex=True)
    for axes, values, name in (
        (panels[0], course.mean, "mean over all pairs"),
        (panels[1], course.worst, "the pair that conflicts most"),
    ):
        limit = color_limit(_largest(values[:, :, 0]))
        below = values[:, :, 2] < 0
        image = axes.imshow(
            values[:, :, 0],
            cmap="PuOr",
            vmin=-limit,
            vmax=limit,
            aspect="auto",
            alpha=1.0 if few else np.where(below, 1.0, 0.35),
        )
        if few:
            _frame(axes, below)
            _write_numbers(axes, values[:, :, 0], limit)
        axes.set_yticks(range(len(course.layers)), course.layers)
        axes.set_title(f"{name}; {marked}: its interval lies below 0", fontsize=9.0)
        axes.grid(visible=False)
        figure.colorbar(image, ax=axes, label="cosine")
    step = max(1, math.ceil(columns / 12))
    panels[1].set_xticks(range(0, columns, step), course.times[::step])
    panels[1].set_xlabel(what)
    return figure


def _write_pairs(axes: Axes, pairs: PairCosines, limit: float) -> None:
    size = len(pairs.objectives)
    upper = list(zip(*np.triu_indices(size, 1), strict=True))
    known = dict(zip(upper, differs([float(pairs.p[place]) for place in upper]), strict=True))
    for row, column in np.ndindex(size, size):
        if row == column:
            continue
        value, low, high = (float(x) for x in pairs.cosine[row, column])
        text = "–"
        if not math.isnan(value):
            if size > MOST_NUMBERS:
                continue
            ends = f"[{cosine_text(low, limit)}, {cosine_text(high, limit)}]"
            text = f"{cosine_text(value, limit)}\n{ends}"
        color = "white" if abs(value) > 0.6 * limit else "black"
        axes.text(column, row, text, ha="center", va="center", fontsize=6.0, color=color)
    framed = np.zeros((size, size), dtype=bool)
    for (row, column), different in known.items():
        framed[row, column] = framed[column, row] = different
    _frame(axes, framed)


def _write_numbers(axes: Axes, values: NDArray[np.float64], limit: float) -> None:
    for row, column in np.ndindex(*values.shape):
        value = float(values[row, column])
        text = "–" if math.isnan(value) else cosine_text(value, limit)
        color = "white" if abs(value) > 0.6 * limit else "black"
        axes.text(column, row, text, ha="center", va="center", fontsize=7.5, color=color)


def _frame(axes: Axes, framed: NDArray[np.bool_]) -> None:
    for row, column in zip(*np.nonzero(framed), strict=True):
        corner = (column - 0.46, row - 0.46)
        axes.add_patch(Rectangle(corner, 0.92, 0.92, fill=False, edgecolor="black", linewidth=1.4))


def _largest(values: NDArray[np.float64]) -> float:
    known = np.abs(values[np.isfinite(values)])
    return float(known.max()) if known.size else 0.0
