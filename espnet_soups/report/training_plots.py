"""Pictures of a training: losses, accuracies, weights, penalties, gradient norms."""

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
    objective_styles,
    plain_log_axis,
    side_legend,
)
from espnet_soups.report.history import Curves, History
from espnet_soups.report.wording import describe_level

PANELS = 5  # small pictures in a row


def plot_losses(history: History) -> Figure:
    """Draw training and validation loss of each objective, a small picture each.

    Pictures of one task share their scale, so that languages can be compared; where there are
    few, a translation stands below the recognition of its source.
    """
    rows = _loss_rows(history.objectives)
    columns = max(len(names) for names in rows)
    figure = new_figure(
        max(2.1 * columns, 4.2), 1.75 * len(rows) + 0.9, _loss_title(history.objectives)
    )
    grid = figure.subplots(len(rows), columns, squeeze=False)
    limits = {task: _limits(history, names) for task, names in _by_task(history.objectives).items()}
    for number, names in enumerate(rows):
        labelled = False
        padded = [*names, *[""] * (columns - len(names))]
        for column, (axes, name) in enumerate(zip(grid[number], padded, strict=True)):
            if not name:
                axes.set_axis_off()
                continue
            for curves, color, dashes in (
                (history.losses, COLORS[0], "-"),
                (history.valid_losses, COLORS[1], "--"),
            ):
                axes.plot(
                    history.epochs, curves[name], dashes, color=color, marker=marker(history.epochs)
                )
            axes.set_title(name)
            axes.set_ylim(*limits[_task(name)])
            epoch_axis(axes, history.epochs, label=_is_last(rows, number, column))
            if not labelled:
                axes.set_ylabel("loss (nats)")
            labelled = True
    handles = [
        Line2D([], [], color=COLORS[0], linestyle="-", label="training"),
        Line2D([], [], color=COLORS[1], linestyle="--", label="validation"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=2)
    return figure


def plot_accuracies(history: History) -> Figure:
    """Draw the share of right tokens on the validation data, a picture per task."""
    groups = _by_task(list(history.accuracies))
    figure, grid = _panels(groups, "Validation accuracy")
    styles = objective_styles(history.objectives, len(history.epochs))
    for axes, (task, names) in zip(grid, groups.items(), strict=True):
        for name in names:
            axes.plot(history.epochs, 100.0 * history.accuracies[name], label=name, **styles[name])
        axes.set_title(task.upper())
        axes.set_ylabel("right predictions (%)" if task == "ssl" else "right tokens (%)")
        axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
        epoch_axis(axes, history.epochs, label=axes is grid[-1])
        side_legend(axes)
    return figure


def plot_weights(history: History) -> Figure:
    """Draw λ of each level, the top level first; the thin line is the uniform weight.

    The weight of an objective that is alone on its level is 1 for ever: it is named, not drawn.
    """
    levels = dict(enumerate(history.levels, start=1))
    shown = {number: level for number, level in levels.items() if len(level) > 1} or levels
    alone = [level[0] for number, level in levels.items() if number not in shown]
    note = f"\n({', '.join(alone)}: alone on the level, λ = 1)" if alone else ""
    heights = [_height(len(level)) for level in shown.values()]
    figure = new_figure(7.5, sum(heights) + 0.6, f"Weights λ of the objectives on each level{note}")
    grid = figure.subplots(len(shown), 1, squeeze=False, height_ratios=heights)
    styles = objective_styles(history.objectives, len(history.epochs))
    for axes, (number, level) in zip(grid[:, 0], shown.items(), strict=True):
        for name in level:
            axes.plot(history.epochs, history.weights[name], label=name, **styles[name])
        uniform = 1.0 / len(level)
        axes.axhline(uniform, color="#999999", linewidth=0.8, zorder=1, label="uniform")
        axes.set_title(f"level {number}" + (" (top)" if number == 1 else ""))
        axes.set_ylabel("λ (share of 1)")
        axes.set_ylim(bottom=0.0)
        epoch_axis(axes, history.epochs, label=axes is grid[-1, 0])
        side_legend(axes)
    return figure


def plot_penalties(history: History) -> Figure:
    """Draw the penalty of each lower level over the epochs."""
    figure = new_figure(7.5, 3.0, "Penalty of the lower levels")
    axes = figure.subplots()
    top = f"level 1 (top): {describe_level(history.levels[0])}"
    for position, (level, curve) in enumerate(history.penalties.items()):
        label = f"level {level}: {describe_level(history.levels[level - 1])}"
        axes.plot(
            history.epochs,
            curve,
            label=label,
            marker=marker(history.epochs),
            **line_style(position),
        )
    axes.axhline(1.0, color="#999999", linewidth=0.8, zorder=1, label=top)
    axes.set_ylabel("penalty c (top level = 1)")
    axes.set_ylim(bottom=0.0)
    epoch_axis(axes, history.epochs)
    side_legend(axes)
    return figure


def plot_norms(history: History) -> Figure:
    """Draw the norm of each objective's gradient on the measured layers, a picture per task."""
    groups = _by_task(list(history.norms))
    figure, grid = _panels(groups, "Gradient norm per objective, mean of each epoch", sharey=True)
    styles = objective_styles(history.objectives, len(history.epochs))
    for axes, (task, names) in zip(grid, groups.items(), strict=True):
        for name in names:
            axes.plot(history.epochs, history.norms[name], label=name, **styles[name])
        axes.set_title(task.upper())
        axes.set_ylabel("norm (log scale)")
        epoch_axis(axes, history.epochs, label=axes is grid[-1])
        side_legend(axes)
    for axes in grid:
        plain_log_axis(axes)
    return figure


def _panels(
    groups: dict[str, list[str]], title: str, sharey: bool = False
) -> tuple[Figure, list[Axes]]:
    heights = [_height(len(names)) + 0.4 for names in groups.values()]
    figure = new_figure(7.5, sum(heights) + 0.6, title)
    grid = figure.subplots(len(groups), 1, squeeze=False, sharey=sharey, height_ratios=heights)
    return figure, list(grid[:, 0])


def _loss_title(objectives: list[str]) -> str:
    if "ssl" not in objectives:
        return "Loss per label token"
    return "Loss per label token (ssl: per prediction)" if len(objectives) > 1 else "Loss of ssl"


def _is_last(rows: list[list[str]], number: int, column: int) -> bool:
    """Return whether no picture stands below."""
    return not any(row[column : column + 1] not in ([], [""]) for row in rows[number + 1 :])


def _loss_rows(objectives: list[str]) -> list[list[str]]:
    """Lay objectives out in rows of tasks, `""` where a language has none."""
    groups = _by_task(objectives)
    languages = list(dict.fromkeys(name.split("_")[1] for name in objectives if "_" in name))
    table = [
        [next((n for n in names if n.split("_")[1:2] == [own]), "") for own in languages]
        for names in groups.values()
    ]
    placed = sum(bool(name) for row in table for name in row)
    without = [name for name in objectives if "_" not in name]
    if len(languages) <= PANELS and placed + len(without) == len(objectives):
        return [row for row in table if any(row)] + ([without] if without else [])
    columns = min(PANELS, max(len(names) for names in groups.values()))
    return [
        names[i : i + columns] for names in groups.values() for i in range(0, len(names), columns)
    ]


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
