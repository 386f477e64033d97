"""Pictures of a training: losses, accuracies, weights, penalties."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from espnet_soups.report.history import Curves, History
from espnet_soups.report.level import Level
from espnet_soups.report.objective_names import (
    by_kind,
    kind_name,
    look_up,
    loss_per,
    loss_unit,
    sign_of,
    unit_of,
)
from espnet_soups.report.plots.figure import (
    COLORS,
    draw_curve,
    epoch_axis,
    kind_panels,
    line_style,
    marker,
    new_figure,
    objective_styles,
    panel_height,
    side_legend,
)
from espnet_soups.report.wording import describe_level

PANELS = 5  # small pictures in a row
LOOKS: tuple[dict[str, Any], ...] = (
    {"color": COLORS[0], "linestyle": "-", "label": "training"},
    {"color": COLORS[1], "linestyle": "--", "label": "validation"},
)
SMALLEST = 0.05  # range of weights: in a smaller one, a drift of a thousandth would look large


def plot_losses(history: History) -> Figure:
    """Draw training and validation loss, a small panel for each objective.

    Panels of one kind share their scale, so that languages can be compared; if there are few, a
    translation is placed below the recognition of its source.

    Args:
        history: The curves of the training.
    """
    rows = loss_rows(history.objectives)
    columns = max(len(names) for names in rows)
    figure = new_figure(
        max(2.1 * columns, 4.2), 1.75 * len(rows) + 0.9, _loss_title(history.objectives)
    )
    grid = figure.subplots(len(rows), columns, squeeze=False)
    limits = {kind: _limits(history, names) for kind, names in by_kind(history.objectives).items()}
    for number, names in enumerate(rows):
        padded = [*names, *[""] * (columns - len(names))]
        for column, (axes, name) in enumerate(zip(grid[number], padded, strict=True)):
            if not name:
                axes.set_axis_off()
                continue
            for curves, look in zip((history.losses, history.valid_losses), LOOKS, strict=True):
                axes.plot(history.epochs, curves[name], marker=marker(history.epochs), **look)
            axes.set_title(name)
            axes.set_ylim(*limits[kind_name(name)])
            epoch_axis(axes, history.epochs, label=_is_last(rows, number, column))
            if name == next(filter(None, names)) or not loss_unit(name):
                axes.set_ylabel(_loss_label(name))
    lines = [Line2D([], [], **look) for look in LOOKS]
    free = [axes for axes in grid.flat if not axes.axison]
    if free:
        free[-1 if len(rows[-1]) == columns else len(rows[-1]) - columns].legend(
            handles=lines, loc="center"
        )
    else:
        figure.legend(handles=lines, loc="outside lower center", ncols=2)
    return figure


def plot_accuracies(history: History) -> Figure:
    """Draw the share of correct tokens or labels on the validation data, a panel per kind.

    Args:
        history: The curves of the training, with at least one accuracy.
    """
    figure, panels = kind_panels(list(history.accuracies), "Validation accuracy")
    styles = objective_styles(history.objectives, len(history.epochs))
    for kind, (axes, names) in panels.items():
        for name in names:
            axes.plot(history.epochs, 100.0 * history.accuracies[name], label=name, **styles[name])
        axes.set_title(sign_of(kind))
        axes.set_ylabel(f"right {unit_of(names[0])}s (%)")
        axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
        epoch_axis(axes, history.epochs, label=kind == list(panels)[-1])
        side_legend(axes)
    return figure


def plot_valid_scores(history: History) -> Figure:
    """Draw the scores of part of the validation set, a panel for each score.

    Args:
        history: The curves of the training, with at least one score.
    """
    courses = list(history.scores.values())
    heights = [panel_height(len(course.objectives)) + 0.4 for course in courses]
    figure = new_figure(7.5, sum(heights) + 0.6, "Scores of part of the validation set")
    grid = figure.subplots(len(courses), 1, squeeze=False, height_ratios=heights)
    styles = objective_styles(history.objectives, len(history.epochs))
    for axes, course in zip(grid[:, 0], courses, strict=True):
        for name, curve in course.objectives.items():
            draw_curve(axes, history.epochs, curve, label=name, **styles[name])
        way = "lower" if course.lower_is_better else "higher"
        axes.set_title(f"{course.heading}, {way} is better")
        axes.set_ylabel(course.heading)
        epoch_axis(axes, history.epochs, label=axes is grid[-1, 0])
        side_legend(axes)
    return figure


def plot_weights(history: History) -> Figure:
    """Draw the difference of λ from uniform on each level that can move, the top level first.

    Levels whose weights cannot move are named, not drawn; if no level can, all are drawn.

    Args:
        history: The curves of the training.
    """
    levels = dict(enumerate(history.levels, start=1))
    shown = {number: level for number, level in levels.items() if level.can_move} or levels
    still = [level for number, level in levels.items() if number not in shown]
    note = f"\n({'; '.join(map(_why_still, still))})" if still else ""
    heights = [panel_height(len(level.objectives)) for level in shown.values()]
    title = f"Weights λ at the end of each epoch, minus the uniform weight 1/m{note}"
    figure = new_figure(7.5, sum(heights) + 0.6, title)
    grid = figure.subplots(len(shown), 1, squeeze=False, height_ratios=heights)
    styles = objective_styles(history.objectives, len(history.epochs))
    for axes, (number, level) in zip(grid[:, 0], shown.items(), strict=True):
        above = level.weights - 1.0 / len(level.objectives)
        for name, curve in zip(level.objectives, above.T, strict=True):
            draw_curve(axes, history.epochs, curve, label=name, **styles[name])
        axes.axhline(0.0, color="#999999", linewidth=0.8, zorder=1, label="uniform")
        axes.set_title(_level_title(number, level))
        axes.set_ylabel("λ − 1/m")
        largest = max(np.abs(above[np.isfinite(above)]), default=0.0)
        limit = max(SMALLEST, 1.08 * largest)
        axes.set_ylim(-limit, limit)
        epoch_axis(axes, history.epochs, label=axes is grid[-1, 0])
        side_legend(axes)
    return figure


def plot_penalties(history: History) -> Figure:
    """Draw the penalty of each lower level over the epochs.

    Args:
        history: The curves of the training.
    """
    figure = new_figure(7.5, 3.0, "Penalty of the lower levels")
    axes = figure.subplots()
    names = [
        f"level {number}{' (top)' if number == 1 else ''}: {describe_level(level.objectives)}"
        for number, level in enumerate(history.levels, start=1)
    ]
    for position, (level, name) in enumerate(zip(history.levels[1:], names[1:], strict=True)):
        style = {"marker": marker(history.epochs), **line_style(position)}
        axes.plot(history.epochs, level.penalties, label=name, **style)
    axes.axhline(1.0, color="#999999", linewidth=0.8, zorder=1, label=names[0])
    axes.set_ylabel("penalty c (top level = 1)")
    axes.set_ylim(bottom=0.0)
    epoch_axis(axes, history.epochs)
    side_legend(axes)
    return figure


def _level_title(number: int, level: Level) -> str:
    top = " (top)" if number == 1 else ""
    distance = level.distances[-1]
    known = "not known" if np.isnan(distance) else f"{distance:.3f}"
    return f"level {number}{top}, total variation distance from uniform at the end: {known}"


def _why_still(level: Level) -> str:
    if len(level.objectives) == 1:
        return f"{level.objectives[0]}: alone on its level, λ = 1"
    return f"{describe_level(level.objectives)}: {level.combiner} weights"


def _loss_title(objectives: list[str]) -> str:
    """Return the title with the unit of the losses, and kinds whose unit differs."""
    units = {kind: loss_per(names[0]) for kind, names in by_kind(objectives).items()}
    first = next(iter(units.values()))
    if len(units) == 1 and not look_up(objectives[0]).supervised:
        return f"Loss of {', '.join(objectives)}"
    others = [f"{kind}: per {unit}" for kind, unit in units.items() if unit != first]
    return f"Loss per {first}" + (f" ({', '.join(others)})" if others else "")


def _loss_label(name: str) -> str:
    return f"loss ({loss_unit(name)})" if loss_unit(name) else "loss"


def _is_last(rows: list[list[str]], number: int, column: int) -> bool:
    """Return True if there is no panel below."""
    return not any(row[column : column + 1] not in ([], [""]) for row in rows[number + 1 :])


def loss_rows(objectives: list[str]) -> list[list[str]]:
    """Arrange objectives in rows by kind, with `""` where a language has none.

    No row has more than PANELS. Languages of many kinds come first, so that empty places are at the
    end of the rows; objectives without a language fill these if all fit.

    Args:
        objectives: Names of the objectives.

    >>> loss_rows(["asr_en", "asr_fr", "asr_it", "st_fr_en", "st_it_en", "ssl"])
    [['asr_fr', 'asr_it', 'asr_en'], ['st_fr_en', 'st_it_en', 'ssl']]
    >>> [len(row) for row in loss_rows([f"asr_{letter}" for letter in "abcdefg"])]
    [4, 3]
    """
    spoken = {name: look_up(name, objectives).language for name in objectives}
    without = [name for name in objectives if not spoken[name]]
    groups = by_kind([name for name in objectives if spoken[name]])
    rows = _language_rows(groups, spoken) or _even_rows(groups)
    columns = max(map(len, rows), default=0)
    if rows and len(rows[-1]) + len(without) <= columns:
        return [*rows[:-1], [*rows[-1], *without]]
    return [*rows, *_even_rows({"": without} if without else {})]


def _language_rows(groups: Mapping[str, list[str]], spoken: Mapping[str, str]) -> list[list[str]]:
    """Return a row per kind with a column per language; empty if they form no table."""
    listed = [spoken[name] for names in groups.values() for name in names]
    languages = sorted(dict.fromkeys(listed), key=lambda own: -listed.count(own))
    alone = all(len({spoken[name] for name in own}) == len(own) for own in groups.values())
    if len(languages) > PANELS or not alone:
        return []
    rows = []
    for names in groups.values():
        row = [next((name for name in names if spoken[name] == own), "") for own in languages]
        rows.append(row[: max(place for place, name in enumerate(row) if name) + 1])
    return rows


def _even_rows(groups: Mapping[str, list[str]]) -> list[list[str]]:
    """Return rows of about equal length for each kind."""
    even = [math.ceil(len(own) / math.ceil(len(own) / PANELS)) for own in groups.values()]
    columns = max(even, default=1)
    return [
        part.tolist()
        for names in groups.values()
        for part in np.array_split(np.array(names), math.ceil(len(names) / columns))
    ]


def _limits(history: History, names: list[str]) -> tuple[float, float]:
    curves: list[Curves] = [history.losses, history.valid_losses]
    values = np.concatenate([item[name] for item in curves for name in names])
    finite = values[np.isfinite(values)]
    low, high = min(0.0, finite.min(initial=0.0)), finite.max(initial=-np.inf)
    if not finite.size or high <= low:
        return low, low + 1.0
    return low - 0.06 * (high - low) * (low < 0.0), high + 0.06 * (high - low)
