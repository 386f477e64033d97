"""Selection of the layers to measure on: fixed ones, or those in which objectives conflict."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module, Parameter

from espnet_soups.gradients.layer_conflict import Estimate, LayerConflict
from espnet_soups.gradients.layers import (
    find_layers,
    group_columns,
    select_parameters,
    shared_parameters,
)
from espnet_soups.ranks import same_on_all_ranks
from espnet_soups.soup.config import SoupConfig


class LayerSelection:
    """Parameters to measure on; with `layers: conflicting`, those of the layers that conflict.

    A selection begins with an epoch: the first `steps` optimiser steps that are measured are
    measured at full depth, on all shared parameters. Then each layer of the `stacks` gets one
    cosine with an interval (see `LayerConflict`). Layers whose interval lies below the threshold
    are selected; with a `hysteresis`, layers that were selected before stay until their cosine
    reaches `threshold + hysteresis`. During a new selection, the old one keeps feeding the Gram
    matrix. If no layer conflicts, nothing is measured until the next selection, and the weights
    stay as they are.

    Args:
        shared: Prefixes of the modules that objectives share.
        config: The settings.
        size: Number of objectives.
    """

    def __init__(self, shared: Sequence[str], config: SoupConfig, size: int) -> None:
        self.shared = list(shared)
        self.config = config
        self.settings = config.selection_config
        self.size = size
        self.everything: list[Parameter] = []
        self._name_of: dict[int, str] = {}
        self.conflict: LayerConflict | None = None
        self.chosen: tuple[int, ...] | None = None  # None: nothing was selected yet, so all
        self.estimate: dict[str, list[float]] = {}
        self.begun = 0  # the epoch in which the last selection began
        self.surveying = False
        self.steps = self.full_depth_steps = 0

    def bind(self, model: Module) -> None:
        """Find the parameters in the model.

        Args:
            model: The model, whose modules `shared` names.

        Raises:
            ValueError: If a name matches no parameter, or the encoder has no layers to select from.
        """
        if self.config.layers == "conflicting":
            parameters = shared_parameters(model, self.shared)
            self.everything = list(parameters.values())
            layers = find_layers(parameters, self.settings.stacks)
            self.conflict = LayerConflict(layers, self.size)
        else:
            self.everything = select_parameters(model, self.shared, self.config.layers)
        known = shared_parameters(model, self.shared)
        self._name_of = {id(parameter): name for name, parameter in known.items()}
        numbers = sum(parameter.numel() for parameter in self.everything)
        logging.info(
            f"Gradient rows: {self.size} objectives x {numbers:,} parameters of"
            f" layers={self.config.layers}, {2 * self.size * numbers * 4 / 2**20:.1f} MiB for two"
            f" halves{' while layers are selected' if self.conflict else ''}"
        )

    @property
    def names(self) -> list[str]:
        """Names of the layers that can be selected, the lowest first."""
        return [] if self.conflict is None else [layer.name for layer in self.conflict.layers]

    @property
    def parameters(self) -> list[Parameter]:
        """The parameters that the next step is measured on; empty if on none."""
        return self.everything if self.surveying else self.used_parameters

    @property
    def groups(self) -> dict[str, list[tuple[int, int]]]:
        """The modules that hold these parameters, and their spans of columns in a row."""
        return group_columns({self._name_of[id(own)]: own for own in self.parameters})

    @property
    def used_parameters(self) -> list[Parameter]:
        """The parameters that feed the Gram matrix."""
        if self.conflict is None or self.chosen is None:
            return self.everything
        layers = [self.conflict.layers[position] for position in self.chosen]
        return [self.everything[index] for layer in layers for index in layer.parameters]

    def open_epoch(self, epoch: int) -> None:
        """Begin a selection if one is due.

        Args:
            epoch: The epoch, from 1.
        """
        self.steps = self.full_depth_steps = 0
        if self.conflict is None or self.surveying:
            return
        if self.begun == 0 or epoch - self.begun >= self.settings.every:
            self.conflict.reset()
            self.surveying, self.begun = True, epoch

    def used(self, rows: Tensor) -> Tensor:
        """Return the columns of freshly measured rows that feed the Gram matrix, [m, n].

        Args:
            rows: Rows on `parameters`, [m, n].
        """
        if not self.surveying or self.conflict is None or self.chosen is None:
            return rows
        spans = [self.conflict.layers[position] for position in self.chosen]
        parts = [rows[:, span.start : span.stop] for span in spans]
        return torch.cat(parts, dim=1) if parts else rows[:, :0]

    def survey(self, halves: Sequence[Tensor], both: Tensor) -> bool:
        """Add a measured step, and return True if this has changed the selection.

        Args:
            halves: Rows of the two halves, each [m, n].
            both: Whether both halves have labels of an objective, bool [m].
        """
        if self.conflict is None or not self.surveying:
            return False
        self.full_depth_steps += 1
        self.conflict.add(halves[0], halves[1], both)
        if self.conflict.steps < self.settings.steps:
            return False
        self.surveying = False
        before = self.chosen
        self._select(self.conflict)
        return before != self.chosen

    def count_step(self) -> None:
        """Count an optimiser step of the epoch."""
        self.steps += 1

    def describe(self) -> dict[str, Any]:
        """Return the entries of the record of an epoch; none if layers are fixed."""
        if self.conflict is None:
            return {}
        selected = self.chosen is not None
        record = {
            "layers": [self.names[position] for position in self.chosen or ()]
            if selected
            else "all",
            "conflict": dict(zip(self.names, self.estimate.get("value", []), strict=False)),
            "low": dict(zip(self.names, self.estimate.get("low", []), strict=False)),
            "high": dict(zip(self.names, self.estimate.get("high", []), strict=False)),
            "began_in_epoch": self.begun,
            "full_depth_steps": self.full_depth_steps,
            "steps": self.steps,
        }
        if self.full_depth_steps and self.conflict.steps:
            cosines = self.conflict.cosines().tolist()
            record["cosine"] = dict(zip(self.names, cosines, strict=True))
        return record

    def state(self) -> dict[str, Any]:
        """Return the state that a checkpoint needs."""
        if self.conflict is None:
            return {}
        return {
            "names": self.names,
            "chosen": None if self.chosen is None else list(self.chosen),
            "estimate": dict(self.estimate),
            "begun": self.begun,
            "surveying": self.surveying,
            "conflict": self.conflict.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Restore a state; if it is of other layers, ignore it and select anew.

        Args:
            state: What `state` returned, on any device.
        """
        if self.conflict is None or not state:
            return
        if state["names"] != self.names:
            logging.warning(
                "The checkpoint has other layers to select from: they are selected anew."
            )
            return
        self.chosen = None if state["chosen"] is None else tuple(state["chosen"])
        self.estimate = dict(state["estimate"])
        self.begun, self.surveying = state["begun"], state["surveying"]
        self.conflict.restore(state["conflict"])

    def _select(self, conflict: LayerConflict) -> None:
        found = conflict.conflict(self.settings.statistic, self.settings.confidence)
        stacked = torch.stack([found.value, found.low, found.high])
        agreed = Estimate(*same_on_all_ranks(stacked.to(self.everything[0].device)).cpu())
        self.estimate = {name: getattr(agreed, name).tolist() for name in ("value", "low", "high")}
        threshold, stay = self.settings.threshold, self.settings.hysteresis
        before = self.chosen or ()
        below = (agreed.high < threshold).tolist()
        near = (agreed.value < threshold + stay).tolist()
        self.chosen = tuple(
            position
            for position in range(len(self.names))
            if below[position] or (stay > 0 and position in before and near[position])
        )
        logging.info(self._line())

    def _line(self) -> str:
        chosen = self.chosen or ()
        values = zip(self.names, *self.estimate.values(), strict=True)
        listed = ", ".join(
            f"{'*' if position in chosen else ''}{name} {value:.3f} [{low:.3f}, {high:.3f}]"
            for position, (name, value, low, high) in enumerate(values)
        )
        found = (
            f"{len(chosen)} of {len(self.names)} layers conflict (*)"
            if chosen
            else "no layer conflicts, so nothing is measured and the weights rest until the next"
            " selection"
        )
        return (
            f"Layers selected after {self.settings.steps} steps at full depth: {found};"
            f" {self.settings.statistic} cosine with its {self.settings.confidence:.0%} interval"
            f" below {self.settings.threshold}: {listed}"
        )
