"""Draw the trade-off of a study: losses of two groups of objectives against each other, by arm."""

import statistics
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from espnet_soups.report.plots.figure import COLORS, MARKERS, new_figure
from espnet_soups.study.compare import Records, seed_differences
from espnet_soups.study.plan import Study


def plot_front(study: Study, records: Records) -> Figure | None:
    """Draw each arm at its mean relative losses of both groups, with every seed as a small dot.

    Seeds count in which both losses are known; the legend states their number where some lack.

    Args:
        study: The study; its first two groups are drawn.
        records: Records of the finished runs, by tag.

    Returns:
        The figure; None: the study has fewer than two groups, or no pair of arms is finished.
    """
    names = list(study.groups)[:2]
    if len(names) < 2:
        return None
    points = {setting: _points(study, records, setting, names) for setting in study.settings}
    if all(len(arms) < 2 for arms in points.values()):
        return None
    width = 4.6 * len(points) + 1.6
    figure = new_figure(width, 4.4, f"{study.title}: losses relative to {study.baseline}")
    panels = figure.subplots(1, len(points), squeeze=False)[0]
    for axes, (setting, arms) in zip(panels, points.items(), strict=True):
        _draw(axes, arms)
        axes.set_xlabel(f"{names[0]} loss, %")
        axes.set_ylabel(f"{names[1]} loss, %")
        if len(points) > 1:
            axes.set_title(f"setting {setting}")
    return figure


def _points(
    study: Study, records: Records, setting: str, names: Sequence[str]
) -> dict[str, list[tuple[float, float]]]:
    """Return, by label of arm, the differences of every seed in both groups."""
    base = study.arm(study.baseline)
    found = {}
    for arm in study.arms_of(setting):
        across, up = (seed_differences(study, records, setting, arm, base, n) for n in names)
        points = [(across[seed], up[seed]) for seed in study.seeds if seed in across and seed in up]
        short = f", {len(points)} of {len(study.seeds)} seeds"
        found[arm.title + (short if len(points) < len(study.seeds) else "")] = points
    return {label: points for label, points in found.items() if points}


def _draw(axes: Axes, arms: Mapping[str, Sequence[tuple[float, float]]]) -> None:
    for place, (label, points) in enumerate(arms.items()):
        color = COLORS[place % len(COLORS)]
        marker = MARKERS[place // len(COLORS) % len(MARKERS)]
        across, up = zip(*points, strict=True)
        axes.plot(across, up, ".", color=color, alpha=0.4, markersize=4)
        mean = statistics.fmean(across), statistics.fmean(up)
        axes.plot(*mean, marker, color=color, markersize=7, label=label)
    for line in (axes.axhline, axes.axvline):
        line(0.0, color="#888888", linewidth=0.8)
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
