"""The settings of a soup: `trainer_conf` in YAML, checked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from espnet_soups.levels.order import SOUPS
from espnet_soups.settings import read_settings, require_number
from espnet_soups.weighting.catalogue import STATIC

STATISTICS = ("mean", "worst")  # of the cosines of a layer
CHOICES: Mapping[str, tuple[Any, ...]] = {
    "soup": SOUPS,
    "mode": ("pipelined", "exact"),
    "exact_batches": (2, 3),
    "gradient_norm": ("none", "rows", "release"),
    "metric": ("euclidean", "adam"),
    "gram": ("halves", "batch"),
    "acts_on": ("backbone", "measured", "measured_only"),
    "nested_penalty": (True, False),
    "heads": ("own", "weighted"),
}
# Settings of levels, and the soups that use them.
LEVELLED: Mapping[str, tuple[str, ...]] = {
    "order": ("vm",),
    "levels": ("custom",),
    "penalty": ("vm", "vc", "custom"),
    "nested_penalty": ("vm", "vc", "custom"),
}


@dataclass(frozen=True)
class SelectionConfig:
    """Settings of `layers: conflicting`.

    Attributes:
        every: Epochs from one selection to the next.
        steps: Measured optimiser steps at full depth per selection, 3 or more.
        threshold: A layer conflicts if the interval of its cosine lies below this, from -1 to 1.
        statistic: `mean` over all pairs of objectives, or the `worst` pair.
        confidence: Confidence level of the interval, between 0 and 1.
        hysteresis: A selected layer stays selected until its cosine is this far above the
            threshold.
        stacks: The modules whose layers take part: `encoder`, and heads that objectives share, such
            as `shared_heads.text`.
    """

    every: int = 5
    steps: int = 20
    threshold: float = 0.0
    statistic: str = "mean"
    confidence: float = 0.95
    hysteresis: float = 0.0
    stacks: Sequence[str] = ("encoder",)

    def __post_init__(self) -> None:
        """Refuse values out of range.

        Raises:
            ValueError: If a value is out of its range.
        """
        for name, least in (("every", 1), ("steps", 3)):
            if not isinstance(getattr(self, name), int) or getattr(self, name) < least:
                raise ValueError(
                    f"`{name}` of `selection` must be {least} or more, but got"
                    f" {getattr(self, name)!r}."
                )
        for name in ("threshold", "hysteresis", "confidence"):
            require_number(f"`{name}` of `selection`", getattr(self, name))
        if not -1 <= self.threshold <= 1:
            raise ValueError(
                f"`threshold` of `selection` is a cosine, from -1 to 1, but got {self.threshold!r}."
            )
        if not 0 < self.confidence < 1:
            raise ValueError(
                f"`confidence` of `selection` must lie between 0 and 1, but got"
                f" {self.confidence!r}."
            )
        if not 0 <= self.hysteresis <= 2:
            raise ValueError(
                f"`hysteresis` of `selection` must lie between 0 and 2, but got"
                f" {self.hysteresis!r}."
            )
        if not _is_names(self.stacks) or len(set(self.stacks)) < len(self.stacks):
            raise ValueError(
                "`stacks` of `selection` must list modules, such as [encoder, shared_heads.text],"
                f" each once, but got {self.stacks!r}."
            )
        if self.statistic not in STATISTICS:
            raise ValueError(
                f"`statistic` of `selection` must be one of {list(STATISTICS)}, but got"
                f" {self.statistic!r}."
            )


@dataclass(frozen=True)
class SoupConfig:
    """Settings in `trainer_conf`.

    Attributes:
        soup: `joint`, `vs`, `vc`, `vm` or `custom`.
        order: For `vm`, read bottom-up: `USA` puts recognition on top.
        levels: For `custom`: globs over objective names, the top level first.
        penalty: One mapping per lower level; see `PenaltySchedule`.
        nested_penalty: Whether a level counts the product of its penalty with those above it, as
            in the authors' scripts.
        combiner: The method by which a level weighs its objectives, one of `combiner_names()`. A
            list has one per level, the top level first.
        combiner_conf: Options of the combiner; a list has those of each level.
        mode: The step in which new weights take effect. Both modes measure two independent halves
            of a step. `pipelined`: the next step. `exact`: the same step, as in the paper.
        exact_batches: Independent parts of each batch in `mode: exact`. 2: weights from two halves,
            then a step on both (JMLR eq. 2.9b). 3: weights from two thirds, then a step, of
            backbone and heads, on the third one alone (the same with a third sample).
        refresh: Interval of measurements in optimiser steps; 1 measures every step. For `mode:
            pipelined`; `exact` measures in every step.
        layers: `all`, `adapters` (those of `use_adapter: true`), `conflicting` (see `selection`),
            or names of encoder layers that feed the Gram matrix.
        selection: The settings of `layers: conflicting`; see `SelectionConfig`.
        gradient_norm: Units in which weights are solved *and* steps are made. `none`: raw
            gradients, as in the paper, each level's Gram matrix divided by one running number.
            `rows`: each objective's gradient divided by its own running norm, in both places.
            `release`: raw, and gamma and rho in the units of the authors' code.
        metric: `euclidean`, or `adam`: inner products of the gradients as AdamW scales them.
        gram: Input of combiners that need a symmetric Gram matrix: that of the two `halves`, free
            of noise, or that of the whole `batch`, as they were published.
        acts_on: Parameters that the weights act on: the whole `backbone`; the `measured` layers,
            with uniform weights elsewhere; or `measured_only`, where no other layer of the backbone
            is updated.
        acts_from: The epoch from which `measured_only` stops updating the other layers.
        heads: `own`: each head follows its own loss (paper). `weighted`: the weighted one, as the
            backbone does.
    """

    soup: str = "vs"
    order: str = "USA"
    levels: Sequence[Sequence[str]] = ()
    penalty: Sequence[Mapping[str, Any]] = ()
    nested_penalty: bool = False
    combiner: str | Sequence[str] = "modo"
    combiner_conf: Mapping[str, Any] | Sequence[Mapping[str, Any]] = field(default_factory=dict)
    mode: str = "pipelined"
    exact_batches: int = 2
    refresh: int = 1
    layers: str | Sequence[str] = "all"
    selection: Mapping[str, Any] = field(default_factory=dict)
    gradient_norm: str = "none"
    metric: str = "euclidean"
    gram: str = "halves"
    acts_on: str = "backbone"
    acts_from: int = 1
    heads: str = "own"

    def __post_init__(self) -> None:
        """Refuse settings that make no soup.

        Raises:
            ValueError: If a value is not one of the valid ones, which the message lists.
        """
        for name, valid in CHOICES.items():
            if getattr(self, name) not in valid:
                raise ValueError(
                    f"`{name}` must be one of {list(valid)}, but got {getattr(self, name)!r}."
                )
        for name in ("refresh", "acts_from"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ValueError(f"`{name}` must be 1 or more, but got {value!r}.")
        if not isinstance(self.order, str):
            raise ValueError(
                f"`order` must use letters, read bottom-up, such as USA, but got {self.order!r}."
            )
        if not _is_names(self.combiner) and not isinstance(self.combiner, str):
            raise ValueError(
                f"`combiner` must be a name, or a list of one per level, but got {self.combiner!r}."
            )
        if not isinstance(self.combiner_conf, Mapping | list | tuple):
            raise ValueError(
                f"`combiner_conf` must be a mapping of options, or a list of one per level, but got"
                f" {self.combiner_conf!r}."
            )
        if not isinstance(self.selection, Mapping):
            raise ValueError(f"`selection` must be a mapping, but got {self.selection!r}.")
        if self.layers not in ("all", "adapters", "conflicting") and not _is_names(self.layers):
            raise ValueError(
                "`layers` must be `all`, `adapters`, `conflicting` or a list of module names, at"
                f" least one, but got {self.layers!r}."
            )
        if self.selection and self.layers != "conflicting":
            raise ValueError(f"`selection` needs `layers: conflicting`, but got {self.layers!r}.")
        self._refuse_what_would_do_nothing()
        _ = self.selection_config

    def _refuse_what_would_do_nothing(self) -> None:
        wanting = (
            ("exact_batches", self.exact_batches == 3, "mode: exact", self.mode == "exact"),
            ("refresh", self.refresh > 1, "mode: pipelined", self.mode == "pipelined"),
            ("acts_from", self.acts_from > 1, "acts_on: measured_only",
             self.acts_on == "measured_only"),
        )  # fmt: skip
        for name, given, needed, there in wanting:
            if given and not there:
                raise ValueError(
                    f"`{name}: {getattr(self, name)}` does nothing without `{needed}`: set that, or"
                    f" remove `{name}`."
                )

    def refuse_accumulation(self, accum_grad: int) -> None:
        """Refuse several mini-batches per optimiser step in `mode: exact`.

        Args:
            accum_grad: Mini-batches per optimiser step.

        Raises:
            ValueError: If `mode: exact` meets gradient accumulation.
        """
        if self.mode == "exact" and accum_grad > 1:
            raise ValueError(
                f"`mode: exact` needs `accum_grad: 1`, but got {accum_grad}: its weights come from"
                " the very batch that they weigh. Use `mode: pipelined`."
            )

    def unused(self) -> dict[str, str]:
        """Return the settings of levels and weights that the soup leaves aside.

        Returns:
            For each of them a soup that uses it.
        """
        found = {name: soups[0] for name, soups in LEVELLED.items() if self.soup not in soups}
        named = {self.combiner} if isinstance(self.combiner, str) else set(self.combiner)
        if self.soup == "joint" and not named <= set(STATIC):
            found |= {"combiner": "vs", "combiner_conf": "vs"}
        return found

    @cached_property
    def selection_config(self) -> SelectionConfig:
        """The settings of `layers: conflicting`.

        Raises:
            ValueError: If a key or a value is not valid.
        """
        return read_settings("`selection`", SelectionConfig, self.selection, within="{error}")


def _is_names(value: object) -> bool:
    """Return True if a value is a list of names, at least one."""
    listed = isinstance(value, list | tuple) and len(value) > 0
    return listed and all(isinstance(name, str) for name in value)  # type: ignore[union-attr, attr-defined]


def read_soup_config(options: Mapping[str, Any]) -> SoupConfig:
    """Read `trainer_conf`.

    Args:
        options: The mapping from the YAML file.

    Raises:
        ValueError: If a key or a value is not valid.
    """
    if isinstance(options, Mapping):
        _refuse_the_old_scheme(options)
    return read_settings("`trainer_conf`", SoupConfig, options, within="{error}")


def _refuse_the_old_scheme(options: Mapping[str, Any]) -> None:
    """Refuse settings of earlier releases, and name their replacements.

    Raises:
        ValueError: If there is such a setting.
    """
    if options.get("gradient_norm") == "ema":
        raise ValueError(
            "`gradient_norm: ema` is gone: it solved the weights on normalised gradients and"
            " applied them to raw ones. Use `none` (raw in both places) or `rows` (normalised in"
            " both)."
        )
    if "weight_scale" in options:
        raise ValueError(
            f"`weight_scale: {options['weight_scale']}` is gone: weights of a level always sum to"
            " 1, and levels stand in the ratio of their penalties. Remove the key; under AdamW the"
            " size of the step stays the same."
        )
