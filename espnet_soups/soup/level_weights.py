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
    """What a step has shown of its objectives.

    Attributes:
        products: Inner products of the rows of its two halves; None: it was not measured.
        losses: Mean losses, 0 where absent, [m].
        present: Whether the step has a label of the objective, bool [m].
        both: Whether both halves have one, bool [m].
        elapsed: Optimiser steps since the last measured one, this one counted.
        epoch: From 1.
    """

    products: HalfProducts | None
    losses: Tensor
    present: Tensor
    both: Tensor
    elapsed: int
    epoch: int


@dataclass(frozen=True)
class Weights:
    """The weights of all levels, and what moves them on.

    Attributes:
        values: One weight per objective, [m].
        states: What the combiner of each level remembers.
        scale: Running mean squares of the penalised gradients of each level, [P].
    """

    values: Tensor
    states: tuple[State, ...]
    scale: RunningSignal


class LevelWeigher:
    """Weights of each level, moved by its combiner.

    The Gram matrix of a level is divided by one number: the running mean, over steps and over the
    objectives of the level, of `<F_k(z1), F_k(z2)>`, with `F` the penalised gradients. So its
    diagonal is about 1 whatever the losses, the layers and the corpus, and so are the units of
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
        """Return the names of the combiners, the top level first."""
        return [combiner.name for combiner in self.combiners]

    def initial(self) -> Weights:
        """Return the weights that a training starts with."""
        values = torch.zeros(self.hierarchy.size, dtype=torch.float64)
        for combiner, level in zip(self.combiners, self.hierarchy.levels, strict=True):
            values[level] = combiner.initial(len(level)).double()
        states: tuple[State, ...] = tuple({} for _ in self.combiners)
        return Weights(values, states, RunningSignal.unknown(len(states)))

    def propose(self, now: Weights, penalties: Tensor, evidence: Evidence) -> Weights:
        """Return the next weights of every level that is awake.

        A level rests while its penalty is 0. Objectives that are absent, or present in one half
        only, keep their weight; the others share what remains.

        Args:
            now: The weights before the step.
            penalties: Penalties of all levels, 1 at the top, [P].
            evidence: What the step has shown.
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
        """Return B of the objectives that take part; where Gram matrices are divided, with rows
        that sum to 1, so that a penalty that grows does not outrun the running mean."""
        matrix = self.hierarchy.penalise(position, values, penalties)[list(rows)]
        return matrix / matrix.abs().sum(dim=1, keepdim=True) if self.divide else matrix


def _show(mixture: Tensor, combiner: Combiner, square: Tensor, evidence: Evidence) -> Shown:
    """Return what the objectives of a level that take part show its combiner.

    Args:
        mixture: B of these objectives, [m_p, m].
        combiner: What looks at it.
        square: What the Gram matrix is divided by; 0: by nothing, a scalar.
        evidence: What the step has shown of all objectives.
    """
    losses = mixture @ evidence.losses / mixture.abs().sum(dim=1)
    gram = torch.zeros(len(mixture), len(mixture), dtype=torch.float64)
    if evidence.products is not None:
        level = evidence.products.combined(mixture)
        gram = level.cross
        if combiner.symmetric:
            gram = level.symmetric if level.whole is None else level.whole
        if square > 0:
            gram = gram / square
    return Shown(gram, losses, evidence.epoch, evidence.elapsed)
