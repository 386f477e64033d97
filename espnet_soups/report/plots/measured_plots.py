"""Pictures of the measured steps: raised objectives, norms of the gradients."""

import numpy as np
from matplotlib.figure import Figure

from espnet_soups.report.history import History
from espnet_soups.report.objective_names import sign_of
from espnet_soups.report.plots.figure import (
    draw_curve,
    epoch_axis,
    kind_panels,
    objective_styles,
    plain_log_axis,
    side_legend,
)


def plot_raised(history: History) -> Figure:
    """Draw the share of measured steps that raised each objective, a panel per kind.

    The grey line, the same in all panels, is the share that raised at least one objective.

    Args:
        history: The curves of the training, with at least one such share.
    """
    title = "Share of measured steps that raised an objective\non data they were not made on"
    figure, panels = kind_panels(list(history.raised), title, sharey=True)
    styles = objective_styles(history.objectives, len(history.epochs))
    anything = {"color": "#888888", "linewidth": 2.4, "zorder": 1.5, "label": "at least one"}
    for kind, (axes, names) in panels.items():
        for name in names:
            draw_curve(
                axes, history.epochs, 100.0 * history.raised[name], label=name, **styles[name]
            )
        if history.raised_any is not None:
            draw_curve(axes, history.epochs, 100.0 * history.raised_any, **anything)
        axes.set_title(sign_of(kind))
        axes.set_ylabel("measured steps (%)")
        epoch_axis(axes, history.epochs, label=kind == list(panels)[-1])
        side_legend(axes)
    curves = [
        *history.raised.values(),
        *([] if history.raised_any is None else [history.raised_any]),
    ]
    largest = float(np.nanmax(np.concatenate(curves)))
    next(iter(panels.values()))[0].set_ylim(0.0, 106.0 * largest or 1.0)
    return figure


def plot_norms(history: History) -> Figure:
    """Draw the norm of each objective's gradient on the measured layers, a panel per kind.

    Args:
        history: The curves of the training, with at least one norm.
    """
    title = "Gradient norm per objective, mean of each epoch,\nwithout the noise of the batches"
    figure, panels = kind_panels(list(history.norms), title, sharey=True)
    styles = objective_styles(history.objectives, len(history.epochs))
    for kind, (axes, names) in panels.items():
        for name in names:
            draw_curve(axes, history.epochs, history.norms[name], label=name, **styles[name])
        axes.set_title(sign_of(kind))
        axes.set_ylabel("norm (log scale)")
        epoch_axis(axes, history.epochs, label=kind == list(panels)[-1])
        side_legend(axes)
    for axes, _ in panels.values():
        plain_log_axis(axes)
    return figure
