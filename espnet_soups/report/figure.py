"""How our pictures look: colours that colour-blind readers tell apart, labelled axes."""

import os
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

# Okabe & Ito (2008); its yellow is left out, since lines of it vanish on white.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DASHES = ("-", "--", ":", "-.")
STYLE = {
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
}


def new_figure(width: float, height: float, title: str) -> Figure:
    """Gives an empty figure of a size in inches, to be drawn inside `style_context`."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=12.0, fontweight="bold")
    return figure


def style_context() -> AbstractContextManager[None]:
    """Gives the context that figures are drawn and saved in."""
    return matplotlib.rc_context(STYLE)


def line_style(position: int) -> dict[str, str]:
    """Gives colour and dashes of the n-th line; 28 lines differ."""
    return {
        "color": COLORS[position % len(COLORS)],
        "linestyle": DASHES[position // len(COLORS) % len(DASHES)],
    }


def epoch_axis(axes: Axes, epochs: Sequence[int], label: bool = True) -> None:
    """Labels the horizontal axis with whole epochs."""
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6, min_n_ticks=1))
    margin = max(0.02 * (epochs[-1] - epochs[0]), 0.0) or 0.5
    axes.set_xlim(epochs[0] - margin, epochs[-1] + margin)
    if label:
        axes.set_xlabel("epoch")


def marker(epochs: Sequence[int]) -> str:
    """Gives the marker of a line: with few epochs a line alone is hard to see, or nothing."""
    return "o" if len(epochs) <= 3 else ""


def side_legend(axes: Axes) -> None:
    """Puts the legend beside the axes, where it hides no line."""
    number = len(axes.get_lines())
    axes.legend(
        loc="upper left",
        bbox_to_anchor=(1.01, 1.02),
        ncols=1 if number <= 12 else 2,
        fontsize=8.0,
        handlelength=2.8,
        borderaxespad=0.0,
    )


def save(figure: Figure, path: Path) -> None:
    """Writes a PNG whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    figure.savefig(temporary, format="png", facecolor="white")
    os.replace(temporary, path)
