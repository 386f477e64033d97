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
class Moved:
    """Where the weights go if the step is made.

    Attributes:
        weights: The next weights, [m].
        states: What each combiner will remember.
        scale: Running mean squares of the penalised gradients of each level.
    """

    weights: Tensor
    states: tuple[State, ...]
    scale: RunningSignal


class LevelWeights:
    """Holds one weight per objective, and what its combiners remember.

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
        self.states: tuple[State, ...] = tuple({} for _ in combiners)
        self.scale = RunningSignal.unknown(len(combiners))
        self.measures = any(combiner.measures for combiner in combiners)
        self.needs_losses = any(combiner.needs_losses for combiner in combiners)
        self.values = torch.zeros(hierarchy.size, dtype=torch.float64)
        for combiner, level in zip(self.combiners, hierarchy.levels, strict=True):
            self.values[level] = combiner.initial(len(level)).double()

    @property
    def names(self) -> list[str]:
        """Names of the combiners, the top level first."""
        return [combiner.name for combiner in self.combiners]

    def propose(self, penalties: Tensor, evidence: Evidence) -> Moved:
        """Return the next weights of every level that is awake.

        A level rests while its penalty is 0. Objectives that are absent, or present in one half
        only, keep their weight; the others share what remains.

        Args:
            penalties: Penalties of all levels, 1 at the top, [P].
            evidence: What the step has shown.
        """
        weights, states = self.values.clone(), list(self.states)
        scale = self._next_scale(penalties, evidence)
        for position, (combiner, members) in enumerate(
            zip(self.combiners, self.hierarchy.levels, strict=True)
        ):
            known = evidence.both if combiner.measures else evidence.present
            rows = [row for row, member in enumerate(members) if known[member]]
            unseen = combiner.measures and evidence.products is None
            incomplete = combiner.complete and len(rows) < len(members)
            own = [members[row] for row in rows]
            movable = combiner.moves and len(rows) > 1 and self.values[own].sum() > 0
            resting = penalties[position] == 0 or not movable
            if unseen or incomplete or resting:
                continue
            shown = self._show(position, rows, combiner, scale, penalties, evidence)
            moved, state = combiner(self.values[own], shown, states[position])
            if torch.isfinite(moved).all():
                weights[own], states[position] = moved, state
            else:
                logging.warning(
                    f"{combiner.name} on level {position + 1} gave {moved.tolist()}: the weights"
                    " stay as they are in this step."
                )
        return Moved(weights, tuple(states), scale)

    def move(self, moved: Moved) -> None:
        """Take what `propose` returned, once the step has been made."""
        self.values, self.states, self.scale = moved.weights, moved.states, moved.scale

    def restart_scale(self) -> None:
        """Let the next measurement replace the scales: rows of other layers have other ones."""
        self.scale = self.scale.restarted()

    def _next_scale(self, penalties: Tensor, evidence: Evidence) -> RunningSignal:
        if evidence.products is None:
            return self.scale
        signal, power = torch.zeros(2, len(self.combiners), dtype=torch.float64)
        known = torch.zeros(len(self.combiners), dtype=torch.bool)
        for position, members in enumerate(self.hierarchy.levels):
            rows = [row for row, member in enumerate(members) if evidence.both[member]]
            if not rows or penalties[position] == 0:
                continue
            level = evidence.products.combined(self._mixture(position, rows, penalties))
            signal[position] = level.cross.diagonal().mean()
            power[position] = level.power.mean()
            known[position] = True
        return self.scale.after(signal, power, known, evidence.elapsed)

    def _mixture(self, position: int, rows: Sequence[int], penalties: Tensor) -> Tensor:
        """Return B of the objectives that take part; where Gram matrices are divided, with rows
        that sum to 1, so that a penalty that grows does not outrun the running mean."""
        matrix = self.hierarchy.penalise(position, self.values, penalties)[list(rows)]
        return matrix / matrix.abs().sum(dim=1, keepdim=True) if self.divide else matrix

    def _show(
        self,
        position: int,
        rows: Sequence[int],
        combiner: Combiner,
        scale: RunningSignal,
        penalties: Tensor,
        evidence: Evidence,
    ) -> Shown:
        """Return what the objectives of a level that take part show its combiner."""
        mixture = self._mixture(position, rows, penalties)
        losses = mixture @ evidence.losses / mixture.abs().sum(dim=1)
        gram = torch.zeros(len(rows), len(rows), dtype=torch.float64)
        if evidence.products is not None:
            level = evidence.products.combined(mixture)
            gram = level.cross
            if combiner.symmetric:
                gram = level.symmetric if level.whole is None else level.whole
            square = scale.mean_square()[position]
            if self.divide and square > 0:
                gram = gram / square
        return Shown(gram, losses, evidence.epoch, evidence.elapsed)
