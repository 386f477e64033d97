"""Penalties: the weights of lower levels in the course of training."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from espnet_soups.settings import read_settings, refuse_unknown, require_number

SHAPES = ("linear", "constant", "cosine", "step")
RAMP = 0.375  # the paper: 0.02 per epoch up to 1.5, which is 75 of its 200 epochs


@dataclass(frozen=True)
class PenaltySchedule:
    """A penalty that grows and then stays.

    Attributes:
        init: Penalty at the start.
        max: Where the growth ends.
        ramp: Fraction of the whole training after which `max` is reached. The penalty moves with
            every optimiser step, so that a short run sees the curve of a long one.
        increment: The amount that each epoch (with `schedule: step`, each optimiser step) adds, in
            place of `ramp`, as the paper writes it.
        schedule: `linear`, `cosine` (half a wave from `init` to `max`, over `ramp`), `constant`
            (always `init`), or `step` (`increment` per optimiser step).
        freeze: The epoch after which the penalty stays constant, whatever its shape; None for
            never.

    Source:
        Section 3 of the paper: from 0, by 0.02 per epoch, up to 1.5 in 200 epochs.

    >>> PenaltySchedule().at(done=37.5, max_epoch=200)
    0.75
    >>> PenaltySchedule(increment=0.02).at(done=37.5, max_epoch=200)
    0.74
    """

    init: float = 0.0
    max: float = 1.5
    ramp: float | None = None
    increment: float | None = None
    schedule: str = "linear"
    freeze: int | None = None

    def __post_init__(self) -> None:
        """Refuse values that make no penalty.

        Raises:
            ValueError: If a value is no number or negative, `max` is below `init`, `ramp` is not in
                (0, 1], or the schedule is unknown or does not go with `ramp` or `increment`.
        """
        for name in ("init", "max", "increment"):
            value = getattr(self, name)
            if name == "increment" and value is None:
                continue
            require_number(f"`{name}` of a penalty", value)
            if not value >= 0 or math.isinf(value):
                raise ValueError(f"`{name}` of a penalty must not be negative, but got {value}.")
        if self.schedule not in SHAPES:
            raise ValueError(
                f"`schedule` of a penalty must be one of {list(SHAPES)}, but got {self.schedule!r}."
            )
        if self.max < self.init and self.schedule != "constant":
            raise ValueError(f"`max` ({self.max}) of a penalty is below `init` ({self.init}).")
        self._check_growth()
        whole = isinstance(self.freeze, int) and not isinstance(self.freeze, bool)
        if self.freeze is not None and (not whole or self.freeze < 1):
            raise ValueError(f"`freeze` of a penalty must be an epoch, but got {self.freeze!r}.")

    def __str__(self) -> str:
        """Return the penalty, or where it starts and ends."""
        grows = self.schedule != "constant" and self.max > self.init
        return f"{self.init:g} to {self.max:g}" if grows else f"{self.init:g}"

    def _check_growth(self) -> None:
        if self.ramp is not None:
            require_number("`ramp` of a penalty", self.ramp)
            if not 0 < self.ramp <= 1:
                raise ValueError(f"`ramp` of a penalty must lie in (0, 1], but got {self.ramp}.")
            if self.increment is not None:
                raise ValueError(
                    f"A penalty grows by `ramp` ({self.ramp}, a fraction of the training) or by"
                    f" `increment` ({self.increment} per epoch), not by both: remove one."
                )
        refused = {"constant": ("ramp", "increment"), "cosine": ("increment",), "step": ("ramp",)}
        for name in refused.get(self.schedule, ()):
            if getattr(self, name) is not None:
                raise ValueError(f"`schedule: {self.schedule}` of a penalty has no `{name}`.")
        if self.schedule == "step" and self.increment is None:
            raise ValueError("`schedule: step` of a penalty needs `increment`, per optimiser step.")

    def grows_in(self, epoch: int) -> bool:
        """Return True if the penalty is not yet frozen in an epoch.

        Args:
            epoch: The epoch, from 1.
        """
        return self.freeze is None or epoch <= self.freeze

    def at(self, done: float, max_epoch: int, steps: int = 0) -> float:
        """Return the penalty.

        Args:
            done: Epochs of the training that are done, as a fraction: 1.5 in the middle of the
                second one.
            max_epoch: Epochs of the whole training.
            steps: Optimiser steps of all epochs that it `grows_in`, for `schedule: step`.
        """
        if self.schedule == "constant":
            return self.init
        if self.schedule == "step":
            return min(self.max, self.init + (self.increment or 0.0) * steps)
        if self.increment is not None:
            whole = math.floor(done + 1e-9)
            grown = whole if self.freeze is None else min(whole, self.freeze - 1)
            return min(self.max, self.init + self.increment * grown)
        done = done if self.freeze is None else min(done, self.freeze)
        progress = min(1.0, done / ((self.ramp or RAMP) * max_epoch))
        if self.schedule == "cosine":
            progress = (1.0 - math.cos(math.pi * progress)) / 2.0
        return self.init + (self.max - self.init) * progress


@dataclass(frozen=True)
class Penalties:
    """The penalties of all levels.

    Attributes:
        schedules: One for each level, the top one first; None for the top, whose penalty is 1.
        nested: Whether a level counts the product of its penalty with those of the levels above
            it, as in the authors' scripts (`eta_U = eta_1 * eta_2`).
    """

    schedules: tuple[PenaltySchedule | None, ...]
    nested: bool = False

    def at(self, done: float, max_epoch: int, steps: Sequence[float]) -> list[float]:
        """Return the penalty of every level, the top one first.

        Args:
            done: Epochs of the training that are done, as a fraction.
            max_epoch: Epochs of the whole training.
            steps: For each level, the optimiser steps of the epochs that its schedule `grows_in`,
                [P].

        >>> halves = PenaltySchedule(init=0.5, schedule="constant")
        >>> Penalties((None, halves, halves), nested=True).at(0, 10, [0, 0, 0])
        [1.0, 0.5, 0.25]
        """
        values: list[float] = []
        for schedule, made in zip(self.schedules, steps, strict=True):
            own = 1.0 if schedule is None else schedule.at(done, max_epoch, int(made))
            values.append(own * values[-1] if self.nested and values else own)
        return values

    def growing_in(self, epoch: int) -> list[float]:
        """Return 1 for every level whose steps count in an epoch, else 0.

        Args:
            epoch: The epoch, from 1.
        """
        return [float(s is not None and s.grows_in(epoch)) for s in self.schedules]

    def shortfalls(self, max_epoch: int, steps: int | None = None) -> list[str]:
        """Return a sentence about each penalty that ends far from its `max`.

        Args:
            max_epoch: Epochs of the whole training.
            steps: Optimiser steps of an epoch; None if unknown, which leaves out penalties that
                grow by the step.

        >>> Penalties((None, PenaltySchedule(increment=0.02))).shortfalls(5)
        ['the penalty of level 2 ends at 0.08, far from its max of 1.5']
        """
        lines = []
        for level, schedule in enumerate(self.schedules, start=1):
            if schedule is None or schedule.schedule == "constant":
                continue
            if schedule.schedule == "step" and steps is None:
                continue
            growing = max_epoch if schedule.freeze is None else min(max_epoch, schedule.freeze)
            done = max_epoch if schedule.increment is None else max_epoch - 1
            end = schedule.at(done, max_epoch, growing * (steps or 0))
            if end < 0.9 * schedule.max:
                lines.append(
                    f"the penalty of level {level} ends at {end:.3g}, far from its max of"
                    f" {schedule.max:g}"
                )
        return lines


def build_penalties(
    settings: Sequence[Mapping[str, Any]], levels: int, nested: bool = False
) -> Penalties:
    """Build the schedules of all levels from the `penalty:` list of the YAML.

    Args:
        settings: One mapping per lower level: `level` (2 is the one below the top) and the
            fields of `PenaltySchedule`. Levels that are not named get the paper's schedule.
        levels: Number of levels.
        nested: See `Penalties`.

    Returns:
        The penalties; the top level has no schedule (its weight is 1).

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
        block = f"`penalty` of level {level}"
        refuse_unknown(block, options, ["level", *valid])
        schedule = read_settings(block, PenaltySchedule, options, within="{error}")
        if level <= levels:  # configs name three levels; without SSL the lowest may be missing
            schedules[level - 1] = schedule
    return Penalties(tuple(schedules), nested)
