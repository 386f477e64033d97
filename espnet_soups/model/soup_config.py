"""The settings of a soup: `trainer_conf` in YAML, checked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from espnet_soups.levels.order import SOUPS


@dataclass(frozen=True)
class SoupConfig:
    """What `trainer_conf` may say.

    Attributes:
        soup: `joint`, `vs`, `vc`, `vm` or `custom`.
        order: For `vm`, read bottom-up: `USA` puts recognition on top.
        levels: For `custom`: globs over objective names, the top level first.
        penalty: One mapping per lower level; see `PenaltySchedule`.
        combiner: How a level weighs its objectives; see `combiner_names()`.
        combiner_conf: Its options.
        mode: `pipelined` (weights from the batches before) or `exact` (double sampling: two
            halves of each batch; JMLR eq. 2.9).
        refresh: Measure two neighbouring optimiser steps of every so many; 1: every step.
        layers: `all`, or names of encoder layers that feed the Gram matrix.
        gradient_norm: `ema` divides each row by the running mean of its norm, for the weights
            only; `none` is the paper.
        weight_scale: `simplex` (paper), or `objectives`: times the size of the level, so that
            uniform weights equal the plain sum. It multiplies the step, never the Gram matrix.
    """

    soup: str = "vs"
    order: str = "USA"
    levels: Sequence[Sequence[str]] = ()
    penalty: Sequence[Mapping[str, Any]] = ()
    combiner: str = "modo"
    combiner_conf: Mapping[str, Any] = field(default_factory=dict)
    mode: str = "pipelined"
    refresh: int = 1
    layers: str | Sequence[str] = "all"
    gradient_norm: str = "ema"
    weight_scale: str = "simplex"

    def __post_init__(self) -> None:
        """Refuses what no soup can be made of.

        Raises:
            ValueError: If a value is not one of the valid ones, which the message lists.
        """
        choices = {
            "soup": SOUPS,
            "mode": ("pipelined", "exact"),
            "gradient_norm": ("ema", "none"),
            "weight_scale": ("simplex", "objectives"),
        }
        for name, valid in choices.items():
            if getattr(self, name) not in valid:
                raise ValueError(
                    f"`{name}` must be one of {list(valid)}, but got {getattr(self, name)!r}."
                )
        if not isinstance(self.refresh, int) or self.refresh < 1:
            raise ValueError(f"`refresh` must be 1 or more, but got {self.refresh!r}.")


def read_soup_config(options: Mapping[str, Any]) -> SoupConfig:
    """Reads `trainer_conf`.

    Raises:
        ValueError: If a key or a value is not valid.
    """
    valid = [item.name for item in fields(SoupConfig)]
    unknown = sorted(set(options) - set(valid))
    if unknown:
        raise ValueError(f"`trainer_conf` has the keys {valid}, but got {unknown}.")
    return SoupConfig(**options)
