"""The weights of all levels: each moved by its own combiner, from the products of a step."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from espnet_soups.gradients.products import HalfProducts
from espnet_soups.gradients.signal import RunningSignal
from espnet_soups.levels.hierarchy import Hierarchy
from espnet_soups.weighting.combiner import Combiner, Shown, State


@dataclass(frozen=True)
class Evidence:
    """Measurements of one step.

    Attributes:
        products: Inner products of the rows of its two halves; None if it was not measured.
        losses: Mean losses, 0 where absent, [m].
        present: Whether the step has a label of the objective, bool [m].
        both: Whether both halves have one, bool [m].
        elapsed: Optimiser steps since the last measured one, including this one.
        epoch: The epoch, from 1.
    """

    products: HalfProducts | None
    losses: Tensor
    present: Tensor
    both: Tensor
    elapsed: int
    epoch: int


@dataclass(frozen=True)
class Weights:
    """The weights of all levels, with the state from which they move on.

    Attributes:
        values: One weight per objective, [m].
        states: The state of the combiner of each level.
        scale: Running mean squares of the penalised gradients of each level, [P].
    """

    values: Tensor
    states: tuple[State, ...]
    scale: RunningSignal


class LevelWeigher:
    """Weights of each level, moved by its combiner.

    The Gram matrix of a level is divided by one number: the running mean, over steps and over the
    objectives of the level, of `<F_k(z1), F_k(z2)>`, with `F` the penalised gradients. This keeps
    its diagonal near 1 whatever the losses, the layers and the corpus, and with it the units of
    gamma and rho.

    Args:
        hierarchy: The levels.
        combiners: The combiner of each level, the top one first.
        divide: Whether the Gram matrices are divided by that number.
    """

    def __init__(
        self,
        hierarchy: Hierarchy,
        combiners: Sequence[Combiner],
        divide: bool = True,
    ) -> None:
        self.hierarchy = hierarchy
        self.combiners = list(combiners)
        self.divide = divide
        self.measures = any(combiner.measures for combiner in combiners)
        self.needs_losses = any(combiner.needs_losses for combiner in combiners)

    @property
    def names(self) -> list[str]:
        """Names of the combiners, the top level first."""
        return [combiner.name for combiner in self.combiners]

    def initial(self) -> Weights:
        """Return the weights that a training starts with."""
        values = torch.zeros(self.hierarchy.size, dtype=torch.float64)
        for combiner, level in zip(self.combiners, self.hierarchy.levels, strict=True):
            values[level] = combiner.initial(len(level)).double()
        states: tuple[State, ...] = tuple({} for _ in self.combiners)
        return Weights(values, states, RunningSignal.unknown(len(states)))

    def propose(self, now: Weights, penalties: Tensor, evidence: Evidence) -> Weights:
        """Return the next weights of every level.

        The weights of a level do not move while its penalty is 0. Objectives that are absent, or
        present in one half only, keep their weight; the others share the rest.

        Args:
            now: The weights before the step.
            penalties: Penalties of all levels, 1 at the top, [P].
            evidence: The measurements of the step.
        """
        values, states = now.values.clone(), list(now.states)
        scale = self._next_scale(now, penalties, evidence)
        for position, (combiner, members) in enumerate(
            zip(self.combiners, self.hierarchy.levels, strict=True)
        ):
            known = evidence.both if combiner.measures else evidence.present
            rows = [row for row, member in enumerate(members) if known[member]]
            unseen = combiner.measures and evidence.products is None
            incomplete = combiner.complete and len(rows) < len(members)
            own = [members[row] for row in rows]
            movable = combiner.moves and len(rows) > 1 and now.values[own].sum() > 0
            resting = penalties[position] == 0 or not movable
            if unseen or incomplete or resting:
                continue
            mixture = self._mixture(position, rows, now.values, penalties)
            if combiner.complete and combiner.needs_losses and mixture[:, ~evidence.present].any():
                continue  # F_k lacks a loss of a level below: it would jump, and back again
            square = scale.mean_square()[position] if self.divide else scale.power.new_zeros(())
            shown = _show(mixture, combiner, square, evidence)
            moved, state = combiner(now.values[own], shown, states[position])
            if torch.isfinite(moved).all():
                values[own], states[position] = moved, state
            else:
                logging.warning(
                    f"{combiner.name} on level {position + 1} gave {moved.tolist()}: the weights"
                    " stay as they are in this step."
                )
        return Weights(values, tuple(states), scale)

    def _next_scale(self, now: Weights, penalties: Tensor, evidence: Evidence) -> RunningSignal:
        if evidence.products is None:
            return now.scale
        signal, power = torch.zeros(2, len(self.combiners), dtype=torch.float64)
        known = torch.zeros(len(self.combiners), dtype=torch.bool)
        for position, members in enumerate(self.hierarchy.levels):
            rows = [row for row, member in enumerate(members) if evidence.both[member]]
            if not rows or penalties[position] == 0:
                continue
            level = evidence.products.combined(self._mixture(position, rows, now.values, penalties))
            signal[position] = level.cross.diagonal().mean()
            power[position] = level.power.mean()
            known[position] = True
        return now.scale.after(signal, power, known, evidence.elapsed)

    def _mixture(
        self, position: int, rows: Sequence[int], values: Tensor, penalties: Tensor
    ) -> Tensor:
        """Return B of the objectives that take part.

        Where Gram matrices are divided, its rows sum to 1, so that a growing penalty does not
        outrun the running mean.
        """
        matrix = self.hierarchy.penalise(position, values, penalties)[list(rows)]
        return matrix / matrix.abs().sum(dim=1, keepdim=True) if self.divide else matrix


def _show(mixture: Tensor, combiner: Combiner, square: Tensor, evidence: Evidence) -> Shown:
    """Return the measurements of a level for its combiner.

    Args:
        mixture: B of these objectives, [m_p, m].
        combiner: The combiner of the level.
        square: Divisor of the Gram matrix, a scalar; 0 for no division.
        evidence: The measurements of the step, of all objectives.
    """
    heard = mixture * evidence.present  # an objective without a label has no loss
    losses = heard @ evidence.losses / heard.abs().sum(dim=1)
    gram = torch.zeros(len(mixture), len(mixture), dtype=torch.float64)
    if evidence.products is not None:
        level = evidence.products.combined(mixture)
        gram = level.cross
        if combiner.symmetric:
            gram = level.symmetric if level.whole is None else level.whole
        if square > 0:
            gram = gram / square
    return Shown(gram, losses, evidence.epoch, evidence.elapsed)
