"""Which layers rows are measured on: fixed ones, or those in which objectives conflict."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module, Parameter

from espnet_soups.gradients.layer_cosines import LayerCosines
from espnet_soups.gradients.layers import encoder_layers, select_parameters, shared_parameters
from espnet_soups.model.ranks import same_on_all_ranks
from espnet_soups.model.soup_config import SoupConfig


class MeasuredLayers:
    """Gives the parameters to measure on, and selects layers where `layers: conflicting` says so.

    A selection begins with an epoch: the first `steps` optimiser steps that are measured are
    measured at full depth, on all shared parameters. Then each layer of the encoder gets one
    number (see `LayerCosines.conflicts`); those below the threshold are selected, and those that
    were selected before stay until they are at `threshold + hysteresis` or above. While a new
    selection is under way, the old one goes on feeding the Gram matrix.

    Args:
        shared: Prefixes of the modules that objectives share.
        config: The settings.
        size: Number of objectives.
        share_noise: Whether two objectives have labels for the same utterances, bool [m, m].
    """

    def __init__(
        self, shared: Sequence[str], config: SoupConfig, size: int, share_noise: Tensor | None
    ) -> None:
        self.shared = list(shared)
        self.config = config
        self.settings = config.selection_config
        self.size = size
        self.share_noise = torch.zeros(size, size, dtype=torch.bool)
        if share_noise is not None:
            self.share_noise = share_noise
        self.everything: list[Parameter] = []
        self.cosines: LayerCosines | None = None
        self.chosen: tuple[int, ...] = ()  # empty: all shared parameters
        self.conflicts: list[float] = []
        self.begun = 0  # the epoch in which the last selection began
        self.surveying = False
        self.steps = self.full_depth_steps = 0

    def bind(self, model: Module) -> None:
        """Finds the parameters in the model.

        Raises:
            ValueError: If a name matches none, or the encoder has no layers to select from.
        """
        if self.config.layers == "conflicting":
            parameters = shared_parameters(model, self.shared)
            self.everything = list(parameters.values())
            self.cosines = LayerCosines(encoder_layers(parameters), self.share_noise)
        else:
            self.everything = select_parameters(model, self.shared, self.config.layers)
        numbers = sum(parameter.numel() for parameter in self.everything)
        logging.info(
            f"Gradient rows: {self.size} objectives x {numbers:,} parameters of"
            f" layers={self.config.layers}, {2 * self.size * numbers * 4 / 2**20:.1f} MiB for two"
            f" batches{' while layers are selected' if self.cosines else ''}"
        )

    @property
    def names(self) -> list[str]:
        """Names of the layers that can be selected, the lowest first."""
        return [] if self.cosines is None else [layer.name for layer in self.cosines.layers]

    @property
    def parameters(self) -> list[Parameter]:
        """The parameters that the next step is measured on."""
        if self.cosines is None or self.surveying or not self.chosen:
            return self.everything
        layers = [self.cosines.layers[position] for position in self.chosen]
        return [self.everything[index] for layer in layers for index in layer.parameters]

    def open_epoch(self, epoch: int) -> None:
        """Begins a selection where one is due."""
        self.steps = self.full_depth_steps = 0
        if self.cosines is None or self.surveying:
            return
        if self.begun == 0 or epoch - self.begun >= self.settings.every:
            self.cosines.reset()
            self.surveying, self.begun = True, epoch

    def used(self, rows: Tensor) -> Tensor:
        """Gives the columns of freshly measured rows that feed the Gram matrix, [m, n]."""
        return self._columns(rows) if self.surveying else rows

    def kept(self, rows: Tensor) -> Tensor:
        """Gives the columns of the last rows that the next ones will have too, [m, n]."""
        if self.surveying or self.cosines is None:
            return rows
        full = rows.shape[1] == sum(parameter.numel() for parameter in self.everything)
        return self._columns(rows) if full else rows

    def survey(self, rows: Tensor, pair: tuple[Tensor, Tensor] | None) -> bool:
        """Takes note of a step that was measured; tells whether the selection has changed."""
        if self.cosines is None or not self.surveying:
            return False
        self.full_depth_steps += 1
        first, second = (rows, None) if pair is None else pair
        self.cosines.add(first, second)
        if self.cosines.steps < self.settings.steps:
            return False
        self.surveying = False
        before = self.chosen
        self._select()
        return before != self.chosen

    def count_step(self) -> None:
        """Counts an optimiser step of the epoch."""
        self.steps += 1

    def describe(self) -> dict[str, Any]:
        """Gives what the record of an epoch says."""
        if self.cosines is None:
            return {}
        record = {
            "layers": [self.names[position] for position in self.chosen] or "all",
            "conflict": dict(zip(self.names, self.conflicts, strict=False)),
            "began_in_epoch": self.begun,
            "full_depth_steps": self.full_depth_steps,
            "steps": self.steps,
        }
        if self.full_depth_steps:
            record["cosine"] = dict(zip(self.names, self.cosines.means().tolist(), strict=True))
        return record

    def state(self) -> dict[str, Any]:
        """Gives what a checkpoint needs to go on from."""
        if self.cosines is None:
            return {}
        return {
            "names": self.names,
            "chosen": list(self.chosen),
            "conflicts": list(self.conflicts),
            "begun": self.begun,
            "surveying": self.surveying,
            "cosines": self.cosines.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Sets what `state` gave; one of other layers is left aside, and selection starts anew."""
        if self.cosines is None or not state:
            return
        if state["names"] != self.names:
            logging.warning("The checkpoint has other layers to select from: selected anew.")
            return
        self.chosen, self.conflicts = tuple(state["chosen"]), list(state["conflicts"])
        self.begun, self.surveying = state["begun"], state["surveying"]
        self.cosines.restore(state["cosines"])

    def _select(self) -> None:
        if self.cosines is None:
            return
        values = self.cosines.conflicts(self.settings.statistic).to(self.everything[0].device)
        self.conflicts = same_on_all_ranks(values).tolist()
        threshold, hysteresis = self.settings.threshold, self.settings.hysteresis
        self.chosen = tuple(
            position
            for position, value in enumerate(self.conflicts)
            if value < threshold + (hysteresis if position in self.chosen else 0.0)
        )
        logging.info(self._line())

    def _line(self) -> str:
        listed = ", ".join(
            f"{'*' if position in self.chosen else ''}{name} {value:.3f}"
            for position, (name, value) in enumerate(zip(self.names, self.conflicts, strict=True))
        )
        found = (
            f"{len(self.chosen)} of {len(self.names)} layers conflict (*)"
            if self.chosen
            else "no layer conflicts, so all are used"
        )
        return (
            f"Layers selected after {self.settings.steps} steps at full depth: {found};"
            f" {self.settings.statistic} cosine below {self.settings.threshold}: {listed}"
        )

    def _columns(self, rows: Tensor) -> Tensor:
        if self.cosines is None or not self.chosen:
            return rows
        spans = [self.cosines.layers[position] for position in self.chosen]
        return torch.cat([rows[:, span.start : span.stop] for span in spans], dim=1)
