"""How much a lower level weighs, epoch by epoch."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True)
class PenaltySchedule:
    """A penalty that grows linearly and then stays.

    Attributes:
        init: Penalty of the first epoch.
        increment: What each epoch adds; ignored where `ramp` is given.
        max: Where the growth ends.
        ramp: Fraction of all epochs after which `max` is reached, so that a short run sees the
            curve of a long one; None: grow by `increment`.

    Source:
        Section 3 of the paper: from 0, by 0.02 per epoch, up to 1.5 in 200 epochs.

    >>> PenaltySchedule(init=0.0, increment=0.5, max=1.2).at(epoch=2, max_epoch=10)
    0.5
    """

    init: float = 0.0
    increment: float = 0.02
    max: float = 1.5
    ramp: float | None = None

    def __post_init__(self) -> None:
        """Refuses what cannot be a penalty.

        Raises:
            ValueError: If a value is negative, `max` is below `init`, or `ramp` is not in (0, 1].
        """
        for name in ("init", "increment", "max"):
            if getattr(self, name) < 0:
                raise ValueError(
                    f"`{name}` of a penalty must not be negative, but got {getattr(self, name)}."
                )
        if self.max < self.init:
            raise ValueError(f"`max` ({self.max}) of a penalty is below `init` ({self.init}).")
        if self.ramp is not None and not 0 < self.ramp <= 1:
            raise ValueError(f"`ramp` of a penalty must lie in (0, 1], but got {self.ramp}.")

    def at(self, epoch: int, max_epoch: int) -> float:
        """Gives the penalty of an epoch, counted from 1, of a run of `max_epoch` epochs."""
        if self.ramp is None:
            return min(self.max, self.init + self.increment * (epoch - 1))
        progress = min(1.0, (epoch - 1) / max(1.0, self.ramp * max_epoch))
        return self.init + (self.max - self.init) * progress


def build_penalties(settings: list[Mapping[str, Any]], levels: int) -> list[PenaltySchedule | None]:
    """Builds the schedules of all levels from the `penalty:` list of the YAML.

    Args:
        settings: One mapping per lower level: `level` (2 is the one below the top) and the
            fields of `PenaltySchedule`. Levels that are not named get the paper's schedule.
        levels: How many levels there are.

    Returns:
        One schedule per level, the top one first; the top has none (its weight is 1).

    Raises:
        ValueError: If a level or a field does not exist, or a level is named twice.
    """
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
        unknown = sorted(set(options) - set(valid))
        if unknown:
            raise ValueError(f"A penalty has the keys {['level', *valid]}, but got {unknown}.")
        if level <= levels:  # configs name three levels; without SSL the lowest may be missing
            schedules[level - 1] = PenaltySchedule(**options)
    return schedules
