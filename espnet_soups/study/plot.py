"""Draw the picture of a study: the difference of every arm from the baseline, seed by seed."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from espnet_soups.report.plots.figure import COLORS, new_figure
from espnet_soups.study.compare import Records, known_outcomes, paired
from espnet_soups.study.plan import Study

SHOWN = 4  # outcomes of a picture, the first ones


def plot_study(study: Study, records: Records) -> Figure | None:
    """Draw means with 95 % intervals and every seed; None: no pair of arms is finished.

    Args:
        study: The study.
        records: Records of the finished runs, by tag.
    """
    outcomes = dict(list(known_outcomes(study, records).items())[:SHOWN])
    if not outcomes:
        return None
    settings = list(study.settings)
    rows = max(len(study.arms_of(setting)) for setting in settings)
    height = (0.38 * rows + 0.9) * len(settings) + 0.6
    heading = f"{study.title}: difference from {study.baseline}, seed by seed"
    figure = new_figure(2.5 * len(outcomes) + 1.5, height, heading)
    panels = figure.subplots(len(settings), len(outcomes), squeeze=False, sharey="row")
    for row, setting in enumerate(settings):
        for column, (outcome, title) in enumerate(outcomes.items()):
            _draw(panels[row, column], study, records, setting, outcome)
            panels[row, column].set_xlabel(title)
        if len(settings) > 1:
            panels[row, 0].set_ylabel(f"setting {setting}")
    return figure


def _draw(axes: Axes, study: Study, records: Records, setting: str, outcome: str) -> None:
    base = study.arm(study.baseline)
    arms = [arm for arm in study.arms_of(setting) if arm != base]
    for place, arm in enumerate(arms):
        found = paired(study, records, setting, arm, base, outcome)
        if not found.values:
            continue
        color = COLORS[place % len(COLORS)]
        if len(found.values) > 1:
            axes.plot([found.low, found.high], [place, place], color=color)
        axes.plot(found.mean, place, "o", color=color)
        axes.plot(found.values, [place + 0.22] * len(found.values), "|", color=color, alpha=0.7)
    axes.axvline(0.0, color="#888888", linewidth=0.8)
    axes.set_yticks(range(len(arms)), [arm.title for arm in arms])
    axes.set_ylim(len(arms) - 0.5, -0.5)
