"""Measurement of rows on a mini-batch, which the backward pass then reuses."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module, Parameter

from espnet_soups.gradients.border import Border
from espnet_soups.gradients.cut import Cut
from espnet_soups.gradients.deposit import Inputs, measure_and_deposit
from espnet_soups.gradients.gate import Gates
from espnet_soups.gradients.layers import layer_parameters, shared_parameters
from espnet_soups.gradients.rows import in_half_precision, measure_rows


class RowMeter:
    """Meter of rows that needs as few backward passes as possible.

    Rows on all shared parameters, or on layers of the encoder from some depth on, come from one
    pass per objective that ends there; the step reuses it, and traverses the part below once. Rows
    on anything else are measured in addition to an ordinary backward pass.

    Args:
        model: The model.
        shared: Prefixes of the modules that objectives share.
        gates: The gates of the objectives.
        border: The border before the heads; it is closed where the step can reuse rows, and heads
            read encoded frames alone and share no parameter.
        weigh_heads: Whether heads follow the weighted loss.

    Attributes:
        lowest: The layer of the encoder from which on rows of the open mini-batch are measured;
            None if there are none, or parameters below the layers are measured as well.
    """

    def __init__(
        self,
        model: Module,
        shared: Sequence[str],
        gates: Gates,
        border: Border,
        weigh_heads: bool,
    ) -> None:
        self.shared = shared_parameters(model, shared)
        shared_heads = [
            id(p) for name, p in self.shared.items() if name.startswith("shared_heads.")
        ]
        known = {id(parameter) for parameter in self.shared.values()}
        self.own = [
            parameter
            for parameter in model.parameters()
            if parameter.requires_grad and id(parameter) not in known
        ]
        self.gates, self.border, self.weigh_heads = gates, border, weigh_heads
        owners = _owners_of(model)
        self.owners = [owners.get(id(parameter), -1) for parameter in self.own]
        self._ends_before_heads = bool(owners) and not (
            -1 in self.owners or weigh_heads or shared_heads
        )
        found = layer_parameters(self.shared)
        self.layers = [(model.get_submodule(name), members) for name, members in found.items()]
        self.cut = Cut([layer for layer, _ in self.layers])
        self.above_a_cut = set(shared_heads).union(*found.values())
        self.lowest: Module | None = None
        self._parameters: Sequence[Parameter] = ()
        self._deposits = False

    def begin(self, parameters: Sequence[Parameter], steps_on_it: bool) -> None:
        """Open a mini-batch, before it is encoded.

        Args:
            parameters: The parameters to measure on; empty if nothing is measured.
            steps_on_it: Whether the step is made on the losses that are measured.
        """
        self._parameters, self._deposits = parameters, False
        self.cut.set(None)
        self.border.open()
        chosen = {id(parameter) for parameter in parameters}
        self.lowest = None
        if chosen <= self.above_a_cut:
            self.lowest = next((layer for layer, own in self.layers if chosen & own), None)
        if not parameters or not steps_on_it or in_half_precision(parameters[0].device.type):
            return
        self._deposits = len(chosen) == len(self.shared) or self.lowest is not None
        self.cut.set(self.lowest)
        if self._deposits and self._ends_before_heads:
            self.border.close()

    def forget(self) -> None:
        """Remove cut and border, once the step has been made."""
        self.cut.set(None)
        self.border.open()

    def measure(
        self, losses: Sequence[Tensor], present: Sequence[bool]
    ) -> tuple[Tensor, Sequence[Tensor]]:
        """Return rows, and the losses to continue with; see `measure_and_deposit`.

        Args:
            losses: One scalar per objective.
            present: Whether each objective has a label in this part of the mini-batch.

        Returns:
            (rows [m, n], one scalar per objective).
        """
        with self.gates.opened():
            if not self._deposits:
                return measure_rows(losses, self._parameters, present), losses
            self.cut.end()
            chosen = {id(parameter) for parameter in self._parameters}
            others = [value for value in self.shared.values() if id(value) not in chosen]
            inputs = Inputs(
                *(self._parameters, others, self.own, self.cut.origins, self.cut.leaves),
                *(self.border, self.owners),
            )
            # Operations go back in the precision in which they went forward, as ESPnet's do.
            with torch.autocast(self._parameters[0].device.type, enabled=False):
                return measure_and_deposit(losses, present, inputs, self.gates, self.weigh_heads)


def _owners_of(model: Module) -> dict[int, int]:
    """Return the objective of each parameter of the heads, by its `id`.

    Empty: a head reads shared modules past the border, or two heads share a parameter.
    """
    objectives = getattr(model, "objectives", ())
    known: Any = getattr(model, "heads", {})
    heads = [known[objective.name] for objective in objectives]
    if not all(head.ends_at_its_input() for head in heads):
        return {}
    pairs = {(id(p), k) for k, head in enumerate(heads) for p in head.parameters()}
    owners = dict(pairs)
    return owners if len(owners) == len(pairs) else {}
