"""The engine of a soup: it plans a step, weighs it, and moves the weights once it is made."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from espnet_soups.gradients.border import Border
from espnet_soups.gradients.gate import Gates
from espnet_soups.gradients.signal import RunningSignal
from espnet_soups.levels.hierarchy import Hierarchy
from espnet_soups.levels.penalty import Penalties
from espnet_soups.losses.global_counts import GlobalCounts
from espnet_soups.losses.step_loss import label_shares, step_loss
from espnet_soups.soup.checkpoint import Fitting, units_of
from espnet_soups.soup.config import SoupConfig
from espnet_soups.soup.elsewhere import Elsewhere, leave_as_they_are
from espnet_soups.soup.epoch_means import EpochMeans
from espnet_soups.soup.geometry import Geometry
from espnet_soups.soup.layer_selection import LayerSelection
from espnet_soups.soup.level_weights import LevelWeigher, Weights
from espnet_soups.soup.penalty_clock import PenaltyClock
from espnet_soups.soup.proposal import Proposal, Proposer
from espnet_soups.soup.row_meter import RowMeter
from espnet_soups.soup.state import SoupState
from espnet_soups.soup.step import StepOutcome, StepPlan
from espnet_soups.soup.window import StepWindow
from espnet_soups.weighting.combiner import Combiner


class Soup:
    """Engine that moves the weights once per optimiser step, and sets the factors of the gates.

    For each mini-batch a model asks for a `plan`, and lets the soup `observe` the losses; a hook of
    the optimiser calls `commit` after its step. A measured step is dealt into two independent
    halves, both measured at the same parameters; the step itself is made on both together.

    Its memory is `state` and the selection of `layers`. This is the state of the optimisation, not
    of the network: it is saved with the state of the optimiser (`checkpoint.pth`), and in no model
    file, so that averaging and `--init_param` never touch it. All of it is on the CPU.

    Args:
        names: Names of the objectives, in order.
        hierarchy: Their levels.
        combiners: The combiner of each level.
        penalties: The penalty of each level.
        config: The settings.
        shared: Prefixes of the modules that objectives share.

    Attributes:
        state: The part that changes with each optimiser step.
        layers: The layers that rows are measured on.
        gates: The gates that weigh gradients on their way into the backbone.
        border: Where the graph ends before the heads, in steps that reuse what is measured.
        measures: Whether it ever measures rows.
        means: Statistics of the current epoch.
    """

    means: EpochMeans
    _window: StepWindow
    _proposal: Proposal | None
    _weights_used: Tensor

    def __init__(
        self,
        names: Sequence[str],
        hierarchy: Hierarchy,
        combiners: Sequence[Combiner],
        penalties: Penalties,
        config: SoupConfig,
        shared: Sequence[str],
    ) -> None:
        self.names, self.hierarchy, self.config = list(names), hierarchy, config
        self.weigher = LevelWeigher(hierarchy, combiners, config.gradient_norm != "release")
        self.clock = PenaltyClock(penalties)
        self.geometry = Geometry(config, len(names))
        self.layers = LayerSelection(shared, config, len(names))
        self.gates, self.border = Gates(len(names)), Border()
        # Normalised steps need norms, whatever the combiner.
        self.measures = self.weigher.measures or self.geometry.normalises
        self.state = SoupState(
            self.weigher.initial(), RunningSignal.unknown(len(names)), self.clock.initial()
        )
        self.accum_grad = 1
        moving = [combiner.moves for combiner in combiners]
        self._fitting = Fitting(self.names, hierarchy, self.weigher.names, moving, units_of(config))
        self._proposer = Proposer(self.weigher, self.geometry, self.layers)
        self._meter: RowMeter | None = None
        self._elsewhere: Elsewhere | None = None
        self._open_epoch()

    @property
    def weights(self) -> Weights:
        """The weights that the next step starts from."""
        return self.state.weights

    @property
    def penalties(self) -> Tensor:
        """The penalty of each level now, 1 at the top, [P]."""
        return self.state.penalties.c

    def bind(self, model: torch.nn.Module, optimizer: torch.optim.Optimizer) -> None:
        """Tie the soup to the model that it measures and to the optimiser whose steps it follows.

        Args:
            model: The model to measure.
            optimizer: The optimiser whose steps the soup follows; the soup is saved in its state.

        Raises:
            ValueError: If the layers or the optimiser do not fit the settings.
        """
        if self.measures:
            self.layers.bind(model)
            weigh_heads = self.config.heads == "weighted"
            self._meter = RowMeter(model, self.layers.shared, self.gates, self.border, weigh_heads)
            self._elsewhere = Elsewhere(self._meter.shared.values(), self.layers, self.gates)
            if self.config.acts_on == "measured_only":
                elsewhere, begin = self._elsewhere, self.config.acts_from
                leave_as_they_are(optimizer, lambda: elsewhere.left_alone(self.clock.epoch, begin))
        self.geometry.bind(optimizer)
        optimizer.register_step_post_hook(lambda *_: self.commit())
        optimizer.register_state_dict_post_hook(lambda _, state: self._save(state))
        optimizer.register_load_state_dict_pre_hook(lambda _, state: self._load(state))

    def open_epoch(
        self, epoch: int, max_epoch: int, accum_grad: int, steps: int | None = None
    ) -> None:
        """Set the penalties at the start of an epoch, and forget the statistics of the last one.

        Args:
            epoch: The epoch, from 1.
            max_epoch: Epochs of the whole run.
            accum_grad: Mini-batches per optimiser step.
            steps: Optimiser steps of an epoch; None if unknown, then penalties move between epochs
                only.

        Raises:
            ValueError: If `mode: exact` meets gradient accumulation.
        """
        if self.measures:
            self.config.refuse_accumulation(accum_grad)
        self.accum_grad = accum_grad
        penalties = self.clock.open_epoch(self.state.penalties, epoch, max_epoch, steps)
        self.state = replace(self.state, penalties=penalties)
        self._open_epoch()
        self.layers.open_epoch(epoch)

    def epoch_state(self) -> dict[str, Any]:
        """Return the progress of the epoch, which the state of the optimiser does not hold."""
        return {
            "made": self.clock.made,
            "means": self.means.state(),
            "steps": self.layers.steps,
            "full_depth_steps": self.layers.full_depth_steps,
        }

    def restore_epoch(self, state: Mapping[str, Any]) -> None:
        """Continue inside an epoch that was opened.

        Args:
            state: What `epoch_state` returned.
        """
        self.clock.made = state["made"]
        self.means.restore(state["means"])
        self.layers.steps = state["steps"]
        self.layers.full_depth_steps = state["full_depth_steps"]

    def plan(self) -> StepPlan:
        """Open a mini-batch of training, drop the traces of a skipped step, and return the plan."""
        if self._window.micro_batches == self.accum_grad:
            self._drop_window()
        self._window.micro_batches += 1
        self._step_with(self.state.weights.values, self.state.norms)
        measured, parts, lowest = self._is_due(), 1, None
        if measured:
            parts = self.config.exact_batches if self.config.mode == "exact" else 2
        if self._meter is not None:
            reuse = parts == 2 and self.config.acts_on != "measured"
            self._meter.begin(self.layers.parameters if measured else [], steps_on_it=reuse)
            # with three parts, a step on the third must not walk through the others
            lowest = self._meter.lowest if parts == 2 else None
        stepped_on = slice(2, None) if parts == 3 else slice(None)
        return StepPlan(parts, measured, stepped_on, lowest)

    def observe(
        self, plan: StepPlan, losses: Sequence[Sequence[Tensor]], counts: GlobalCounts
    ) -> StepOutcome:
        """Measure the objectives if that was planned, and return the loss to step on.

        Args:
            plan: What `plan` returned for this mini-batch.
            losses: For each independent part of the mini-batch, one scalar per objective: the
                share of this rank in the mean over the label tokens of all ranks.
            counts: Counts over all ranks.

        Raises:
            RuntimeError: If rows are to be measured and the soup is not bound to a model.
        """
        self._window.add_presence(counts.present)
        if self.weigher.needs_losses:
            self._window.add_losses(counts.losses, counts.present.any(dim=0))
        deposited = self._measure(losses, counts) if plan.measured else list(losses)
        norms, valid = self.state.norms, True
        if plan.measured and self.config.mode == "exact":
            self._proposal = self._propose()
            weights, norms = self._proposal.weights, self._proposal.norms
            valid = weights is not None
            self._step_with(self._weights_used if weights is None else weights.values, norms)
        kept = plan.stepped_on
        shares = label_shares(counts.labels[kept])
        loss = step_loss(deposited[kept], shares)
        if self.config.acts_on == "measured" and self._elsewhere is not None:
            uniform = self._multipliers(self.hierarchy.uniform(), norms)
            loss = self._elsewhere.weigh(loss, losses[kept], shares, uniform)
        return StepOutcome(loss, valid, self._weights_used, self.penalties)

    def commit(self) -> None:
        """Move the weights, after the optimiser has made its step."""
        window, before = self._window, self.state
        proposal = self._proposal or self._propose()
        since = before.since + bool(self.layers.parameters)  # counts while something is measured
        surveyed = False
        both = window.present.all(dim=0)
        if proposal.products is not None:
            self.means.gradients.add(proposal.products, both, self.gates.multipliers)
        if proposal.finite and window.halves:
            since = 0
            self.means.layers.add(self.layers.groups, window.halves, both)
            surveyed = self.layers.survey(window.halves, both)
        self.means.add_step(self._weights_used, self.penalties)
        self.layers.count_step()
        self.state = SoupState(
            before.weights if proposal.weights is None else proposal.weights,
            proposal.norms,
            self.clock.count_step(before.penalties),
            since,
        )
        if surveyed:  # other layers, other norms
            self.state = self.state.restarted()
        if self._meter is not None:
            self._meter.forget()
        self._drop_window()

    def _step_with(self, weights: Tensor, norms: RunningSignal) -> None:
        """Set the gates for the open mini-batch by some weights, [m]."""
        self._weights_used = weights
        self.gates.multipliers = self._multipliers(weights, norms)

    def _multipliers(self, weights: Tensor, norms: RunningSignal) -> Tensor:
        """Return the factor of the gradient of each objective, [m]."""
        return self.geometry.multipliers(self.hierarchy.spread(self.penalties) * weights, norms)

    def _is_due(self) -> bool:
        parameters = self.layers.parameters
        if not self.measures or not parameters or not self.geometry.is_ready(parameters):
            return False
        return self.config.mode == "exact" or self.state.since + 1 >= self.config.refresh

    def _measure(
        self, losses: Sequence[Sequence[Tensor]], counts: GlobalCounts
    ) -> list[Sequence[Tensor]]:
        """Measure rows on the first two parts, and return the losses of all to continue with."""
        if self._meter is None:
            raise RuntimeError("The soup must be bound to a model before it measures.")
        present = counts.present.tolist()
        first, one = self._meter.measure(losses[0], present[0])
        second, other = self._meter.measure(losses[1], present[1])
        self.border.open()  # it holds the graph
        self._window.add_rows(first, second, counts.labels[:2])
        return [one, other, *losses[2:]]

    def _propose(self) -> Proposal:
        return self._proposer.propose(self._window, self.state, self.clock.epoch)

    def _drop_window(self) -> None:
        self._window = StepWindow(len(self.names), self.accum_grad, self.config.gram == "batch")
        self._proposal = None

    def _open_epoch(self) -> None:
        """Forget the statistics of the last epoch."""
        self._drop_window()
        self.means = EpochMeans(self.hierarchy)
        self._step_with(self.state.weights.values, self.state.norms)

    def _save(self, state: dict[str, Any]) -> dict[str, Any]:
        """Add the state of the soup to that of the optimiser."""
        return self._fitting.save(state, {**self.state.to_dict(), "layers": self.layers.state()})

    def _load(self, state: Mapping[str, Any]) -> dict[str, Any]:
        """Restore the soup from the state of the optimiser, and return the rest of that state."""
        saved, rest = self._fitting.find(state)
        self.state = self._fitting.adopt(saved, self.weigher.initial())
        self.layers.restore(saved["layers"])
        return rest
