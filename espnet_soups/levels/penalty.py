"""How much a lower level weighs, as training goes on."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from espnet_soups.settings import refuse_unknown, require_number

SHAPES = ("linear", "constant", "cosine", "step")


@dataclass(frozen=True)
class PenaltySchedule:
    """A penalty that grows and then stays.

    Attributes:
        init: Penalty of the first epoch, or step.
        increment: What each epoch (`schedule: step`: each optimiser step) adds; ignored where
            `ramp` is given, and by `cosine`.
        max: Where the growth ends.
        ramp: Fraction of all epochs after which `max` is reached, so that a short run sees the
            curve of a long one; None: grow by `increment` (`cosine`: over all epochs).
        schedule: `linear` per epoch, `constant` (always `init`), `cosine` (half a wave from `init`
            to `max`), or `step` (linear per optimiser step).
        freeze: The epoch after which the penalty stays as it is, whatever its shape; None: never.
            With `step`, that is as it was when the epoch ended.

    Source:
        Section 3 of the paper: from 0, by 0.02 per epoch, up to 1.5 in 200 epochs.

    >>> PenaltySchedule(init=0.0, increment=0.5, max=1.2).at(epoch=2, max_epoch=10)
    0.5
    >>> PenaltySchedule(max=1.0, schedule="cosine", ramp=0.5).at(epoch=11, max_epoch=20)
    1.0
    """

    init: float = 0.0
    increment: float = 0.02
    max: float = 1.5
    ramp: float | None = None
    schedule: str = "linear"
    freeze: int | None = None

    def __post_init__(self) -> None:
        """Refuses what cannot be a penalty.

        Raises:
            ValueError: If a value is no number or negative, `max` is below `init`, `ramp` is not in
                (0, 1], or the schedule is unknown or does not go with `ramp`.
        """
        for name in ("init", "increment", "max"):
            require_number(f"`{name}` of a penalty", getattr(self, name))
            if not getattr(self, name) >= 0 or math.isinf(getattr(self, name)):
                raise ValueError(
                    f"`{name}` of a penalty must not be negative, but got {getattr(self, name)}."
                )
        if self.schedule not in SHAPES:
            raise ValueError(
                f"`schedule` of a penalty must be one of {list(SHAPES)}, but got {self.schedule!r}."
            )
        if self.max < self.init and self.schedule != "constant":
            raise ValueError(f"`max` ({self.max}) of a penalty is below `init` ({self.init}).")
        if self.ramp is not None:
            require_number("`ramp` of a penalty", self.ramp)
            if not 0 < self.ramp <= 1:
                raise ValueError(f"`ramp` of a penalty must lie in (0, 1], but got {self.ramp}.")
        if self.ramp is not None and self.schedule in ("constant", "step"):
            raise ValueError(f"`schedule: {self.schedule}` of a penalty has no `ramp`.")
        if self.freeze is not None and (not isinstance(self.freeze, int) or self.freeze < 1):
            raise ValueError(f"`freeze` of a penalty must be an epoch, but got {self.freeze!r}.")

    def grows_in(self, epoch: int) -> bool:
        """Tells whether the penalty is not frozen in an epoch."""
        return self.freeze is None or epoch <= self.freeze

    def at(self, epoch: int, max_epoch: int, steps: int = 0) -> float:
        """Gives the penalty.

        Args:
            epoch: Counted from 1.
            max_epoch: Epochs of the whole run.
            steps: Optimiser steps of all epochs that it `grows_in`, for `schedule: step`.
        """
        if self.schedule == "constant":
            return self.init
        if self.schedule == "step":
            return min(self.max, self.init + self.increment * steps)
        done = min(epoch, self.freeze or epoch) - 1
        if self.schedule == "linear" and self.ramp is None:
            return min(self.max, self.init + self.increment * done)
        progress = min(1.0, done / max(1.0, (self.ramp or 1.0) * max_epoch))
        if self.schedule == "cosine":
            progress = (1.0 - math.cos(math.pi * progress)) / 2.0
        return self.init + (self.max - self.init) * progress


def penalties_at(
    schedules: Sequence[PenaltySchedule | None], epoch: int, max_epoch: int, steps: Sequence[float]
) -> list[float]:
    """Gives the penalty of every level; 1 for the top, which has no schedule."""
    return [
        1.0 if schedule is None else schedule.at(epoch, max_epoch, int(made))
        for schedule, made in zip(schedules, steps, strict=True)
    ]


def growing_in(schedules: Sequence[PenaltySchedule | None], epoch: int) -> list[float]:
    """Gives 1 for every level whose steps count in an epoch, else 0."""
    return [float(s is not None and s.grows_in(epoch)) for s in schedules]


def build_penalties(
    settings: Sequence[Mapping[str, Any]], levels: int
) -> list[PenaltySchedule | None]:
    """Builds the schedules of all levels from the `penalty:` list of the YAML.

    Args:
        settings: One mapping per lower level: `level` (2 is the one below the top) and the
            fields of `PenaltySchedule`. Levels that are not named get the paper's schedule.
        levels: How many levels there are.

    Returns:
        One schedule per level, the top one first; the top has none (its weight is 1).

    Raises:
        ValueError: If it is no list of mappings, a level or a field does not exist, or a level is
            named twice.
    """
    if not isinstance(settings, Sequence) or not all(isinstance(s, Mapping) for s in settings):
        raise ValueError(
            f"`penalty` must be a list of mappings such as [{{level: 2, max: 1.5}}], but got"
            f" {settings!r}."
        )
    valid = [field.name for field in fields(PenaltySchedule)]
    schedules: list[PenaltySchedule | None] = [None]
    schedules += [PenaltySchedule() for _ in range(levels - 1)]
    named: set[int] = set()
    for setting in settings:
        options = dict(setting)
        level = options.pop("level", None)
        if not isinstance(level, int) or level < 2 or level in named:
            raise ValueError(
                "Each entry of `penalty` names its own `level`, 2 for the one below the top,"
                f" but got {dict(setting)}."
            )
        named.add(level)
        refuse_unknown(f"`penalty` of level {level}", options, ["level", *valid])
        schedule = PenaltySchedule(**options)
        if level <= levels:  # configs name three levels; without SSL the lowest may be missing
            schedules[level - 1] = schedule
    return schedules
