"""Picture that compares the validation curves of the experiments of a directory."""

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from espnet_soups.report.history import SOUP_FILE, Curves, History, read_history
from espnet_soups.report.objective_names import (
    by_kind,
    look_up,
    loss_per,
    loss_unit,
    sign_of,
    supervised_kinds,
    unit_of,
)
from espnet_soups.report.plots.figure import COLORS, DASHES, epoch_axis, marker, new_figure
from espnet_soups.report.train_log import read_train_log

# Curves of a history: name of the panel, label of its axis, factor.
CURVES = {
    "accuracies": ("accuracy", "right {unit}s (%)", 100.0),
    "valid_losses": ("loss", "loss ({loss})", 1.0),
}
SEED = re.compile(r"_?seed_?\d+")
WIDE, WIDTH = 4, 56  # with more lines, and names not longer than this: two columns


def read_histories(expdir: Path) -> tuple[dict[str, History], dict[str, str]]:
    """Read the curves of every experiment of a directory, including unfinished ones.

    Args:
        expdir: Folder with the experiments.

    Returns:
        (the histories by name, the reasons why others were left out). Folders without soup.jsonl
        and train.log, and trainings without labels, are not experiments.
    """
    histories: dict[str, History] = {}
    left_out: dict[str, str] = {}
    for folder in sorted(path for path in expdir.iterdir() if path.is_dir()):
        if not ((folder / SOUP_FILE).is_file() or (folder / "train.log").is_file()):
            continue
        try:
            history = read_history(folder, read_train_log(folder))
        except (OSError, ValueError) as error:
            left_out[folder.name] = str(error)  # another run's defect does not stop this report
            continue
        except (LookupError, TypeError, AttributeError) as error:
            left_out[folder.name] = f"{type(error).__name__}: {error} in its records"
            continue
        if any(look_up(name).supervised for name in history.objectives):
            histories[folder.name] = history
    return histories, left_out


def plot_comparison(histories: Mapping[str, History]) -> Figure:
    """Draw mean validation loss and accuracy of each kind that learns from labels by epoch.

    Names that differ only in their seed share a colour, with different dashes.

    Args:
        histories: The experiments by name, at least one.

    Returns:
        The figure.
    """
    names = list(dict.fromkeys(name for item in histories.values() for name in item.valid_losses))
    panels = {
        kind: members for kind in supervised_kinds(names) if (members := by_kind(names).get(kind))
    }
    styles = experiment_styles(list(histories))
    order = sorted(histories, key=list(styles).index)
    columns = 2 if len(order) > WIDE and max(map(len, order)) <= WIDTH else 1
    legend = 0.19 * math.ceil(len(order) / columns) + 0.2
    texts = all(look_up(name).transcribes for members in panels.values() for name in members)
    what = "languages or pairs" if texts else "the objectives of a kind"
    heading = f"Validation, mean over {what}, by epoch"
    figure = new_figure(9.2, 2.7 * len(panels) + legend + 0.3, heading)
    mosaic: list[Any] = [_places(histories, kind) for kind in panels]
    grid = figure.subplot_mosaic(mosaic, sharex=True)
    epochs = sorted({epoch for item in histories.values() for epoch in item.epochs})
    for place, axes in grid.items():
        curves, _, kind = place.partition("/")
        _draw_curves(axes, histories, curves, kind, styles)
        axes.set_title(f"{sign_of(kind)} {CURVES[curves][0]}")
        axes.set_ylabel(_axis_label(curves, panels[kind][0]))
        epoch_axis(axes, epochs, label=kind == list(panels)[-1])
    lines = {str(line.get_label()): line for axes in grid.values() for line in axes.get_lines()}
    shown = [name for name in order if name in lines]
    look: dict[str, Any] = {"loc": "outside lower center", "fontsize": 8.0, "handlelength": 3.2}
    figure.legend([lines[name] for name in shown], shown, ncols=columns, **look)
    return figure


def _places(histories: Mapping[str, History], kind: str) -> list[str]:
    """Return the panels side by side, `<curves>/<kind>`; one without curves leaves its place."""
    drawn = [
        f"{curves}/{kind}"
        for curves in CURVES
        if any(mean_curve(getattr(item, curves), kind) is not None for item in histories.values())
    ]
    return drawn if len(drawn) == len(CURVES) else drawn[:1] * len(CURVES)


def _axis_label(curves: str, name: str) -> str:
    """Return the label of the vertical axis for the kind of an objective, with its unit."""
    loss = f"{loss_unit(name)} per {loss_per(name).removeprefix('label ')}".strip()
    return CURVES[curves][1].format(unit=unit_of(name), loss=loss)


def mean_curve(curves: Curves, kind: str) -> NDArray[np.float64] | None:
    """Return the mean over the objectives of a kind, [E]; None if there are none.

    An epoch in which one of them is unknown is NaN: a mean over fewer would jump.

    Args:
        curves: Curve of each objective, [E] each.
        kind: Name of the kind.
    """
    members = by_kind(list(curves)).get(kind)
    return np.mean([curves[name] for name in members], axis=0) if members else None


def experiment_styles(names: list[str]) -> dict[str, dict[str, Any]]:
    """Return the line style of each experiment: colour by its name without seed, dashes by seed.

    Seeds of one experiment are neighbours, as in the legend.

    Args:
        names: Names of the experiments.

    >>> styles = experiment_styles(["a", "a_seed2", "b"])
    >>> styles["a"]["color"] == styles["a_seed2"]["color"] != styles["b"]["color"]
    True
    """
    families = list(dict.fromkeys(SEED.sub("", name) for name in names))
    used: set[tuple[str, str]] = set()
    styles = {}
    for name in sorted(names, key=lambda name: families.index(SEED.sub("", name))):
        place = families.index(SEED.sub("", name))
        color = COLORS[place % len(COLORS)]
        free = [dash for dash in DASHES if (color, dash) not in used]
        dash = free[0] if free else DASHES[-1]
        used.add((color, dash))
        styles[name] = {"color": color, "linestyle": dash}
    return styles


def _draw_curves(
    axes: Axes,
    histories: Mapping[str, History],
    curves: str,
    kind: str,
    styles: Mapping[str, dict[str, Any]],
) -> None:
    for name, item in histories.items():
        curve = mean_curve(getattr(item, curves), kind)
        if curve is not None:
            look = {"marker": marker(item.epochs), "markersize": 4.0, "label": name, **styles[name]}
            axes.plot(item.epochs, CURVES[curves][2] * curve, **look)
