"""Picture of the scores with their intervals."""

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from espnet_soups.report.plots.figure import COLORS, new_figure
from espnet_soups.scoring.score_metrics import headlines


def plot_scores(scores: Mapping[str, Any], label: str) -> Figure:
    """Draw each score of each objective with its 95 % interval, and the mean below.

    Args:
        scores: Content of `scores.json`.
        label: Name of the decoding, for the title.
    """
    shown = {
        metric: {
            name: item[metric.name]
            for name, item in scores["objectives"].items()
            if metric.name in item
        }
        for metric in headlines([scores])
    }
    # one below the other, narrow enough to be legible on a small screen
    heights = [0.27 * (len(items) + (len(items) > 1)) + 0.75 for items in shown.values()]
    figure = new_figure(4.8, sum(heights) + 0.5, f"Scores, 95 % intervals\n{label}")
    grid = figure.subplots(len(shown), 1, squeeze=False, height_ratios=heights)[:, 0]
    for axes, (metric, items) in zip(grid, shown.items(), strict=True):
        mean = {"mean": scores["mean"][metric.name]} if len(items) > 1 else {}
        _draw(axes, items | mean, COLORS[0 if metric.lower_is_better else 2], metric.digits)
        unit = f" ({metric.unit})" if metric.unit else ""
        better = "lower" if metric.lower_is_better else "higher"
        axes.set_xlabel(f"{metric.title}{unit}, {better} is better")
    return figure


def _draw(axes: Axes, items: Mapping[str, Mapping[str, float]], color: str, digits: int) -> None:
    for row, (name, item) in enumerate(items.items()):
        value = item["value"]
        axes.errorbar(
            value,
            row,
            # A percentile interval need not hold the value itself.
            xerr=[[max(0.0, value - item["low"])], [max(0.0, item["high"] - value)]],
            fmt="D" if name == "mean" else "o",
            color="#333333" if name == "mean" else color,
            markersize=5.5,
            capsize=3.0,
        )
        axes.annotate(
            f"{value:.{digits}f}",
            (max(item["high"], value), row),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            fontsize=8.5,
        )
    axes.set_yticks(range(len(items)), list(items))
    axes.set_ylim(len(items) - 0.4, -0.6)
    highest = max(max(item["high"], item["value"]) for item in items.values())
    lowest = min(min(item["low"], item["value"]) for item in items.values())
    axes.set_xlim(min(0.0, 1.18 * lowest), max(0.0, 1.18 * highest) or 1.0)
    axes.grid(visible=False, axis="y")
