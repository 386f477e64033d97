"""Texts of RESULTS.md and the page about the effect of the method."""

from collections.abc import Mapping
from typing import Any

from espnet_soups.report.method import NEAR_UNIFORM, can_move
from espnet_soups.report.results import STATIC

Record = Mapping[str, Any]

TITLE = "Was the method at work?"
WARNING = "the weights stayed near uniform: this run does not test the combiner"
WHY = (
    f"wherever they can move, their total variation distance from uniform was under"
    f" {NEAR_UNIFORM:g}"
)
NOT_RECORDED = "not recorded"
HEAD = (
    "level",
    "combiner",
    "λ at the end (mean over the training)",
    "penalty c",
    "λ from uniform, end",
    "largest",
)
TEXT_COLUMNS = 3  # of HEAD, from the left; the others are numbers
COLUMNS = (
    "λ from uniform: the largest total variation distance of the weights from uniform, level by"
    " level, – where they cannot move. Raised: the share of the measured steps that raised at"
    " least one objective, to first order."
)


def distances(training: Record) -> str:
    """Return the distance of each level's weights from uniform, for a cell of a table.

    Args:
        training: The entry `training` of results.json.

    >>> moving = {"moves": True, "objectives": ["asr_fr", "asr_it"], "largest_distance": 0.231}
    >>> distances({"method": [moving, {**moving, "moves": False}]})
    '0.23 / –'
    >>> distances({"method": [{**moving, "moves": False}] * 2})
    '–'
    """
    levels = training.get("method", [])
    if not levels:
        return "–" if training.get("combiner") in STATIC else NOT_RECORDED
    if not any(can_move(level) for level in levels):
        return "–"
    return " / ".join(
        _distance(level["largest_distance"]) if can_move(level) else "–" for level in levels
    )


def percent(share: float | None) -> str:
    """Return a share in %, with a decimal if it is small.

    Args:
        share: The share, from 0 to 1; None if unknown.

    >>> percent(0.4), percent(0.042), percent(0.0), percent(None)
    ('40 %', '4.2 %', '0 %', '–')
    """
    if share is None:
        return "–"
    return f"{100.0 * share:.{1 if 0.0 < abs(share) < 0.095 else 0}f} %".replace("-", "−")


def level_rows(training: Record) -> list[list[str]]:
    """Return a row per level, the top level first, with the cells of HEAD.

    Args:
        training: The entry `training` of results.json.
    """
    return [_level_row(level) for level in training.get("method", [])]


def why_no_levels(training: Record) -> str:
    """Return the reason why there is no row, as a sentence.

    Args:
        training: The entry `training` of results.json.
    """
    if training.get("trainer") == "default":
        return "`trainer: default` has no soup: its weights are settings and never move."
    return "The release that trained this did not record it."


def step_notes(training: Record) -> list[str]:
    """Return the known facts about the measured steps, as sentences.

    Args:
        training: The entry `training` of results.json.
    """
    if not training.get("method"):
        return []
    steps, measured = training["optimizer_steps"], training["measured_steps"]
    if not measured:
        return ["No step was measured: what the steps did to each objective is not known."]
    notes = [f"Measured: {measured} of {steps} steps."]
    if training["signal_share"]:
        notes.append(
            f"Share of signal in a measured gradient: {_by_name(training, 'signal_share')}."
        )
    if training["raised"]:
        notes.append(
            "Steps that raised an objective on data they were not made on, to first order:"
            f" {_by_name(training, 'raised')}; at least one: {percent(training['raised_any'])}."
        )
    return notes


def _by_name(training: Record, key: str) -> str:
    return ", ".join(f"{name} {percent(share)}" for name, share in training[key].items())


def _level_row(level: Record) -> list[str]:
    weights = ", ".join(
        f"{name} {_weight(last)} ({_weight(mean)})"
        for name, last, mean in zip(
            level["objectives"], level["weights"], level["mean_weights"], strict=True
        )
    )
    alone = len(level["objectives"]) < 2
    return [
        str(level["level"]),
        f"{level['combiner']}{'' if can_move(level) else ' (nothing can move)'}",
        weights,
        "–" if level["penalty"] is None else f"{level['penalty']:.3g}",
        *("–" if alone else _distance(level[key]) for key in ("distance", "largest_distance")),
    ]


def _weight(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _distance(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.{2 if value >= NEAR_UNIFORM else 3}f}"
