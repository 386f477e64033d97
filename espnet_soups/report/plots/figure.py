"""Style of the pictures: colours for colour-blind readers, labelled axes."""

import math
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from textwrap import wrap
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator
from numpy.typing import NDArray

from espnet_soups.files import whole_file
from espnet_soups.report.objective_names import by_kind, kind_name, look_up, supervised_kinds

# Okabe & Ito (2008), without its yellow, which is invisible on white.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DASHES = ("-", "--", ":", "-.")
FEW_EPOCHS = 3
LETTERS = 9.0  # letters of a title per inch
MARKERS = ("o", "s", "^", "D", "v", "P")
KIND_DASHES = ("-", "--", "-.", (0, (5, 1)), (0, (3, 1, 1, 1, 1, 1)))  # of supervised kinds
UNSUPERVISED_DASHES = ":"
STYLE: dict[Any, Any] = {
    "font.size": 9.0,
    "axes.titlesize": 10.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E6E6E6",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "figure.dpi": 130.0,
    "svg.fonttype": "none",
    "svg.hashsalt": "espnet-soups",
}


def new_figure(width: float, height: float, title: str) -> Figure:
    """Return an empty figure, for use inside `style_context`.

    Args:
        width: Width, inches.
        height: Height, inches.
        title: Title above all panels; long lines are broken.
    """
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    lines = [part for line in title.split("\n") for part in wrap(line, int(LETTERS * width))]
    figure.suptitle("\n".join(lines), fontsize=12.0, fontweight="bold")
    return figure


def style_context() -> AbstractContextManager[None]:
    """Return the context in which figures must be drawn and saved."""
    return matplotlib.rc_context(STYLE)


def line_style(position: int) -> dict[str, Any]:
    """Return colour and dashes of the n-th line; 28 lines differ.

    Args:
        position: Number of the line, from 0.
    """
    return {
        "color": COLORS[position % len(COLORS)],
        "linestyle": DASHES[position // len(COLORS) % len(DASHES)],
    }


def objective_styles(objectives: Sequence[str], epochs: int) -> dict[str, dict[str, Any]]:
    """Return a distinct line style for each objective, the same in all pictures of an experiment.

    The colour shows the language, the dashes the kind; beyond seven languages, markers distinguish
    those of one colour. A translation has the colour of its source or, if several pairs share a
    source, of its target.

    Args:
        objectives: Names of the objectives, in the order of the run.
        epochs: Number of epochs; few get a marker each.

    >>> styles = objective_styles(["asr_fr", "asr_it", "st_fr_en"], epochs=10)
    >>> styles["asr_fr"]["color"] == styles["st_fr_en"]["color"] != styles["asr_it"]["color"]
    True
    """
    colored = _what_colors_tell(objectives)
    order = list(dict.fromkeys(colored.values()))
    kinds = supervised_kinds(objectives)
    styles = {}
    for name in objectives:
        place = order.index(colored[name]) if name in colored else len(COLORS) - 1
        plain = place < len(COLORS) and epochs > FEW_EPOCHS
        dashes: Any = UNSUPERVISED_DASHES
        if look_up(name).supervised:
            dashes = KIND_DASHES[kinds.index(kind_name(name)) % len(KIND_DASHES)]
        styles[name] = {
            "color": COLORS[place % len(COLORS)],
            "linestyle": dashes,
            "marker": "" if plain else MARKERS[place // len(COLORS) % len(MARKERS)],
            "markersize": 4.0,
            "markevery": max(1, epochs // 12),
        }
    return styles


def _what_colors_tell(objectives: Sequence[str]) -> dict[str, str]:
    """Return the language of each objective, or the rest of its name; empty for a bare kind."""
    known = {name: look_up(name, objectives) for name in objectives}
    sources = [item.language for item in known.values() if item.target]
    by_source = len(set(sources)) == len(sources)
    told = {
        name: (item.language if by_source or not item.target else item.target)
        or name.partition("_")[2]
        for name, item in known.items()
        if "_" in name
    }
    if len({(kind_name(name), own) for name, own in told.items()}) < len(told):
        return {name: name for name in told}  # neither end tells the pairs apart
    return told


def epoch_axis(axes: Axes, epochs: Sequence[int], label: bool = True) -> None:
    """Label the horizontal axis with whole epochs.

    Args:
        axes: The axes to label.
        epochs: Numbers of the epochs, [E].
        label: Whether to name the axis.
    """
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6, min_n_ticks=1))
    margin = 0.02 * (max(epochs) - min(epochs)) or 0.5
    axes.set_xlim(min(epochs) - margin, max(epochs) + margin)
    if label:
        axes.set_xlabel("epoch")


def marker(epochs: Sequence[int]) -> str:
    """Return the marker of a line: with few epochs, a line alone is hard to see.

    Args:
        epochs: Numbers of the epochs, [E].

    Returns:
        The marker; empty if there are many epochs.
    """
    return "o" if len(epochs) <= FEW_EPOCHS else ""


def plain_log_axis(axes: Axes) -> None:
    """Make a vertical axis logarithmic, with labels such as 0.1 and 20 instead of powers of ten.

    Args:
        axes: The axes, with their lines drawn.
    """
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    low, high = axes.get_ylim()
    few = np.log10(high / low) < 1.5
    axes.yaxis.set_minor_locator(LogLocator(subs=(2.0, 5.0) if few else (3.0,)))
    axes.yaxis.set_minor_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def draw_curve(axes: Axes, epochs: Sequence[int], curve: NDArray[np.float64], **style: Any) -> None:
    """Draw a line that is broken where a value is unknown.

    Args:
        axes: The axes to draw in.
        epochs: Numbers of the epochs, [E].
        curve: Value of each epoch, NaN where it is unknown, [E].
        **style: Options of `Axes.plot`; `markevery`, if given, is a number.
    """
    known = np.pad(np.isfinite(curve), 1)
    alone = known[1:-1] & ~known[:-2] & ~known[2:]  # without a marker these would not show
    marked = set(np.flatnonzero(alone).tolist())
    if style.get("marker"):
        marked |= set(range(0, len(epochs), style.get("markevery", 1)))
    sign = (style.get("marker") or "o") if marked else ""
    look = {"markersize": 4.0, **style, "marker": sign, "markevery": sorted(marked)}
    axes.plot(epochs, curve, **look)


def kind_panels(
    names: Sequence[str], title: str, sharey: bool = False
) -> tuple[Figure, dict[str, tuple[Axes, list[str]]]]:
    """Return a figure with a panel for each kind.

    Args:
        names: Objectives to draw.
        title: Title above all panels.
        sharey: Whether the panels share their vertical axis.

    Returns:
        (the figure; by kind, its panel and its objectives).
    """
    groups = by_kind(names)
    heights = [panel_height(len(members)) + 0.4 for members in groups.values()]
    figure = new_figure(7.5, sum(heights) + 0.6, title)
    grid = figure.subplots(len(groups), 1, squeeze=False, sharey=sharey, height_ratios=heights)
    panels = zip(grid[:, 0], groups.items(), strict=True)
    return figure, {kind: (axes, members) for axes, (kind, members) in panels}


def panel_height(lines: int) -> float:
    """Return the height of a panel, inches, with room for its legend.

    Args:
        lines: Number of lines in the legend.
    """
    return max(1.9, 0.17 * (lines if lines <= 12 else math.ceil(lines / 2)) + 0.7)


def side_legend(axes: Axes, lines: int | None = None) -> None:
    """Put the legend beside the axes, where it hides no line.

    Args:
        axes: The axes with the lines.
        lines: Number of lines with a label; None for all.
    """
    number = len(axes.get_lines()) if lines is None else lines
    axes.legend(
        loc="upper left",
        bbox_to_anchor=(1.01, 1.02),
        ncols=1 if number <= 12 else 2,
        fontsize=8.0,
        handlelength=2.8,
        borderaxespad=0.0,
    )


def save(figure: Figure, path: Path) -> None:
    """Write a PNG or SVG file, completely or not at all.

    Args:
        figure: The figure.
        path: The file, `.png` or `.svg`; its folder is created.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = path.suffix.removeprefix(".")
    undated = {"Date": None} if kind == "svg" else {}  # the same picture is the same file
    with whole_file(path) as temporary:
        figure.savefig(temporary, format=kind, facecolor="white", metadata=undated)
