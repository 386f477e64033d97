"""The settings of a soup: `trainer_conf` in YAML, checked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

from espnet_soups.levels.order import SOUPS
from espnet_soups.settings import refuse_unknown, require_number

STATISTICS = ("mean", "worst")  # of the cosines of a layer


@dataclass(frozen=True)
class SelectionConfig:
    """How `layers: conflicting` selects.

    Attributes:
        every: Epochs from one selection to the next.
        steps: Measured optimiser steps at full depth that a selection looks at.
        threshold: A layer conflicts if its cosine is below; from -1 to 1.
        statistic: `mean` over all pairs of objectives, or the `worst` pair.
        hysteresis: A selected layer stays until its cosine is this much above the threshold.
    """

    every: int = 5
    steps: int = 20
    threshold: float = 0.0
    statistic: str = "mean"
    hysteresis: float = 0.0

    def __post_init__(self) -> None:
        """Refuses what cannot be.

        Raises:
            ValueError: If a value is out of its range.
        """
        for name in ("every", "steps"):
            if not isinstance(getattr(self, name), int) or getattr(self, name) < 1:
                raise ValueError(
                    f"`{name}` of `selection` must be 1 or more, but got {getattr(self, name)!r}."
                )
        for name in ("threshold", "hysteresis"):
            require_number(f"`{name}` of `selection`", getattr(self, name))
        if not -1 <= self.threshold <= 1:
            raise ValueError(
                f"`threshold` of `selection` is a cosine, from -1 to 1, but got {self.threshold!r}."
            )
        if not 0 <= self.hysteresis <= 2:
            raise ValueError(
                f"`hysteresis` of `selection` must lie between 0 and 2, but got"
                f" {self.hysteresis!r}."
            )
        if self.statistic not in STATISTICS:
            raise ValueError(
                f"`statistic` of `selection` must be one of {list(STATISTICS)}, but got"
                f" {self.statistic!r}."
            )


@dataclass(frozen=True)
class SoupConfig:
    """What `trainer_conf` may say.

    Attributes:
        soup: `joint`, `vs`, `vc`, `vm` or `custom`.
        order: For `vm`, read bottom-up: `USA` puts recognition on top.
        levels: For `custom`: globs over objective names, the top level first.
        penalty: One mapping per lower level; see `PenaltySchedule`.
        combiner: How a level weighs its objectives; see `combiner_names()`. A list: one per level,
            the top level first.
        combiner_conf: Its options; a list: those of each level.
        mode: `pipelined` (weights from the batches before) or `exact` (double sampling inside each
            batch; see `exact_batches`).
        exact_batches: Independent parts of each batch in `mode: exact`. 2: weights from two
            halves, then a step on both (JMLR eq. 2.9b). 3: weights from two thirds, then a step,
            of backbone and heads, on the third one alone (the same with a third sample).
        refresh: Measure two neighbouring optimiser steps of every so many; 1: every step. For
            `mode: pipelined`; `exact` measures in every step.
        layers: `all`, `conflicting` (see `selection`), or names of encoder layers that feed the
            Gram matrix.
        selection: The settings of `layers: conflicting`; see `SelectionConfig`.
        gradient_norm: `ema` divides each row by the running mean of its norm, for the weights
            only; `none` is the paper.
        weight_scale: `simplex` (paper), or `objectives`: times the size of the level, so that
            uniform weights equal the plain sum. It multiplies the step, never the Gram matrix.
        heads: Each head follows its `own` loss (paper), or the `weighted` one, as the backbone.
    """

    soup: str = "vs"
    order: str = "USA"
    levels: Sequence[Sequence[str]] = ()
    penalty: Sequence[Mapping[str, Any]] = ()
    combiner: str | Sequence[str] = "modo"
    combiner_conf: Mapping[str, Any] | Sequence[Mapping[str, Any]] = field(default_factory=dict)
    mode: str = "pipelined"
    exact_batches: int = 2
    refresh: int = 1
    layers: str | Sequence[str] = "all"
    selection: Mapping[str, Any] = field(default_factory=dict)
    gradient_norm: str = "ema"
    weight_scale: str = "simplex"
    heads: str = "own"

    def __post_init__(self) -> None:
        """Refuses what no soup can be made of.

        Raises:
            ValueError: If a value is not one of the valid ones, which the message lists.
        """
        choices = {
            "soup": SOUPS,
            "mode": ("pipelined", "exact"),
            "exact_batches": (2, 3),
            "gradient_norm": ("ema", "none"),
            "weight_scale": ("simplex", "objectives"),
            "heads": ("own", "weighted"),
        }
        for name, valid in choices.items():
            if getattr(self, name) not in valid:
                raise ValueError(
                    f"`{name}` must be one of {list(valid)}, but got {getattr(self, name)!r}."
                )
        if not isinstance(self.refresh, int) or self.refresh < 1:
            raise ValueError(f"`refresh` must be 1 or more, but got {self.refresh!r}.")
        if isinstance(self.layers, str) and self.layers not in ("all", "conflicting"):
            raise ValueError(
                "`layers` must be `all`, `conflicting` or a list of module names, but got"
                f" {self.layers!r}."
            )
        if self.selection and self.layers != "conflicting":
            raise ValueError(f"`selection` needs `layers: conflicting`, but got {self.layers!r}.")
        _ = self.selection_config

    @cached_property
    def selection_config(self) -> SelectionConfig:
        """The settings of `layers: conflicting`.

        Raises:
            ValueError: If a key or a value is not valid.
        """
        valid = [item.name for item in fields(SelectionConfig)]
        refuse_unknown("`selection`", self.selection, valid)
        return SelectionConfig(**self.selection)


def read_soup_config(options: Mapping[str, Any]) -> SoupConfig:
    """Reads `trainer_conf`.

    Raises:
        ValueError: If a key or a value is not valid.
    """
    refuse_unknown("`trainer_conf`", options, [item.name for item in fields(SoupConfig)])
    return SoupConfig(**options)
