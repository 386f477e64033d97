"""Measure how the gradients of a model relate, layer by layer, on batches of its training data."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import Parameter

from espnet_soups.conflict.table import WHOLE, Row
from espnet_soups.gradients.batch_pairs import LEAST_BATCHES, BatchPairs
from espnet_soups.gradients.layers import group_columns, shared_parameters
from espnet_soups.gradients.rows import measure_rows
from espnet_soups.network.msp_model import MSPModel
from espnet_soups.task.conflict.affinity import StepEffects
from espnet_soups.task.conflict.batches import MeasuredBatches
from espnet_soups.task.conflict.table_rows import affinity_rows, rows_of

NUMBER_BYTES = 4
STEPPED = 8  # batches on which affinities are measured, with m forward passes each


@dataclass(frozen=True)
class Measured:
    """Measurement of a checkpoint.

    Attributes:
        rows: Rows of the table.
        used: Number of batches that were measured.
        left_out: Number of each batch with a gradient that was not finite, to the objectives
            concerned.
    """

    rows: list[Row]
    used: int
    left_out: Mapping[int, list[str]]


class ConflictMeter:
    """Meter of one model in its present state.

    Args:
        network: The model, in the mode in which it is to be measured.
        batches: The batches.
        step_length: Length of the steps that measure affinities, as a share of the norm of the
            shared parameters; 0: no affinities.
        confidence: Level of the intervals.

    Raises:
        ValueError: If there is only one objective, or fewer batches than an interval needs.
    """

    def __init__(
        self,
        network: MSPModel,
        batches: MeasuredBatches,
        step_length: float,
        confidence: float,
    ) -> None:
        self._network, self._batches = network, batches
        self._names = [objective.name for objective in network.objectives]
        if len(self._names) < 2:
            raise ValueError(
                f"Conflict is between objectives, but there is one alone: {self._names[0]}."
            )
        if len(batches.batches) < LEAST_BATCHES:
            raise ValueError(
                f"An interval needs {LEAST_BATCHES} batches or more, but there are"
                f" {len(batches.batches)}: ask for more, or for smaller ones."
            )
        shared = shared_parameters(network, network.shared_modules)
        self._parameters: list[Parameter] = list(shared.values())
        groups = group_columns(shared)
        size = sum(parameter.numel() for parameter in self._parameters)
        self._groups = {**groups, WHOLE: [(0, size)]}
        self._size = size
        self._step_length, self._confidence = step_length, confidence

    def announce(self) -> None:
        """Log what will be measured, and how much memory it takes."""
        sets = 3 * len(self._names) * self._size * NUMBER_BYTES / 2**20
        logging.info(
            f"Conflict: {len(self._names)} objectives x {self._size:,} shared parameters in"
            f" {len(self._groups) - 1} modules, {len(self._batches.batches)} batches;"
            f" {sets:,.0f} MiB for sums, rows and the rows before"
        )
        if self._batches.repeated:
            logging.info(f"{self._batches.repeated} repeated utterances were left out.")

    def measure(self, checkpoint: str) -> Measured:
        """Measure the model as it is.

        Args:
            checkpoint: Its name, for the table.

        Raises:
            ValueError: If too few batches have finite gradients.
        """
        pairs = BatchPairs(list(self._groups.values()), len(self._names))
        left_out: dict[int, list[str]] = {}
        used, counts = [], torch.zeros(len(self._names), dtype=torch.long)
        for number in range(len(self._batches.batches)):
            rows, present, _ = self._rows(number)
            broken = ~rows.isfinite().all(dim=1).cpu()
            if bool(broken.any()):
                left_out[number] = [
                    n for n, b in zip(self._names, broken.tolist(), strict=True) if b
                ]
                continue
            pairs.add(rows, present)
            counts += present
            used.append(number)
        if len(used) < LEAST_BATCHES:
            whose = sorted({name for names in left_out.values() for name in names})
            raise ValueError(
                f"{checkpoint}: only {len(used)} of {len(self._batches.batches)} batches have"
                f" finite gradients (not finite: {', '.join(whose)}), but an interval needs"
                f" {LEAST_BATCHES}."
            )
        effects = None
        if self._step_length > 0:
            effects = StepEffects(self._network, self._parameters, self._batches, self._step_length)
        for number in used:
            rows, present, losses = self._rows(number)
            pairs.compare(rows)
            if effects is not None and number in used[:STEPPED]:
                others = counts - present.long()
                directions = [
                    pairs.direction(rows, k) if others[k] > 0 else None
                    for k in range(len(self._names))
                ]
                effects.add(number, losses, directions)
        relations = pairs.relations(self._confidence)
        table = rows_of(relations, checkpoint, list(self._groups), self._names)
        if effects is not None:
            affinity = effects.affinity(self._confidence)
            table += affinity_rows(affinity, checkpoint, self._names, relations.batches)
        return Measured(table, len(used), left_out)

    def _rows(self, number: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return rows `(m, n)`, which objectives have labels `(m,)`, and losses `(m,)`."""
        losses = self._batches.losses(self._network, number)
        rows = measure_rows(losses.means, self._parameters, losses.present.tolist())
        return rows, losses.present, losses.values
