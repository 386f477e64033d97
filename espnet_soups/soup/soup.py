"""The engine of a soup: measures, weighs, and moves the weights once per optimiser step."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import Parameter

from espnet_soups.gradients.gate import Gates
from espnet_soups.gradients.products import HalfProducts
from espnet_soups.gradients.signal import RunningSignal
from espnet_soups.levels.hierarchy import Hierarchy
from espnet_soups.levels.penalty import Penalties
from espnet_soups.losses.global_counts import GlobalCounts
from espnet_soups.soup.elsewhere import Elsewhere, leave_as_they_are, weigh_elsewhere
from espnet_soups.soup.epoch_means import EpochMeans
from espnet_soups.soup.geometry import Geometry
from espnet_soups.soup.level_weights import Evidence, LevelWeights, Moved
from espnet_soups.soup.measured_layers import MeasuredLayers
from espnet_soups.soup.measuring import Measuring
from espnet_soups.soup.penalty_clock import PenaltyClock
from espnet_soups.soup.soup_config import SoupConfig
from espnet_soups.soup.soup_state import load_state, save_state
from espnet_soups.soup.step_window import StepWindow
from espnet_soups.weighting.combiner import Combiner


@dataclass(frozen=True)
class Proposal:
    """What moves if the step is made.

    Attributes:
        moved: The next weights; None: they stay.
        norms: Running mean squares of the objectives' gradients.
        products: Inner products of the two halves; None: not measured, or not finite.
        finite: Whether what was measured is finite.
    """

    moved: Moved | None
    norms: RunningSignal
    products: HalfProducts | None
    finite: bool = True


class Soup:
    """Moves the weights once per optimiser step, and sets what the gates multiply with.

    A measured step is dealt into two independent halves, both measured at the same parameters;
    the step itself is made on both together. Its state is that of the optimisation, not of the
    network: it travels in the state of the optimiser (`checkpoint.pth`), and is in no model file,
    so that averaging and `--init_param` never touch it. All of it lies on the CPU.

    Args:
        names: Names of the objectives, in order.
        hierarchy: Their levels.
        combiners: The combiner of each level.
        penalties: The penalty of each level.
        config: The settings.
        shared: Prefixes of the modules that objectives share.

    Attributes:
        weights: The weights of all levels.
        clock: The penalties of all levels.
        geometry: The units of weights and steps.
        measures: Whether it looks at gradients at all.
        parts: Into how many independent batches the mini-batch that is open is dealt.
        measured: Whether that mini-batch is measured.
        valid: Whether its step may be made: whether what its weights come from is finite.
        weights_used: The weights that it is stepped on with, [m].
        means: What the epoch has shown.
    """

    weights_used: Tensor
    means: EpochMeans
    _norms_used: RunningSignal
    _window: StepWindow
    _proposal: Proposal | None

    def __init__(
        self,
        names: Sequence[str],
        hierarchy: Hierarchy,
        combiners: Sequence[Combiner],
        penalties: Penalties,
        config: SoupConfig,
        shared: Sequence[str],
    ) -> None:
        self.names = list(names)
        self.hierarchy, self.config = hierarchy, config
        self.weights = LevelWeights(hierarchy, combiners, config.gradient_norm != "release")
        self.clock = PenaltyClock(penalties)
        self.geometry = Geometry(config, len(names))
        self.gates = Gates(len(names))
        self.layers = MeasuredLayers(shared, config, len(names))
        # Normalised steps need norms, whoever weighs.
        self.measures = self.weights.measures or self.geometry.normalises
        self.since = 0  # optimiser steps since the last measured one
        self.accum_grad = 1
        self.parts, self.measured, self.valid = 1, False, True
        self._measuring: Measuring | None = None
        self._elsewhere: Elsewhere | None = None
        self._open_epoch()

    @property
    def parts_stepped_on(self) -> slice:
        """Which parts of the open mini-batch the step is made on: all, or the last of three."""
        return slice(2, None) if self.parts == 3 else slice(None)

    def bind(self, model: torch.nn.Module, optimizer: torch.optim.Optimizer) -> None:
        """Tie the soup to the model that it measures and to the optimiser whose steps it follows.

        Raises:
            ValueError: If the layers or the optimiser do not fit the settings.
        """
        if self.measures:
            self.layers.bind(model)
            weigh_heads = self.config.heads == "weighted"
            self._measuring = Measuring(model, self.layers.shared, self.gates, weigh_heads)
            self._elsewhere = Elsewhere(self._measuring.shared.values(), self.layers)
            if self.config.acts_on == "measured_only":
                leave_as_they_are(optimizer, self._left_alone)
        self.geometry.bind(optimizer)
        optimizer.register_step_post_hook(lambda *_: self.commit())
        optimizer.register_state_dict_post_hook(lambda _, state: save_state(self, state))
        optimizer.register_load_state_dict_pre_hook(lambda _, state: load_state(self, state))

    def open_epoch(
        self, epoch: int, max_epoch: int, accum_grad: int, steps: int | None = None
    ) -> None:
        """Set the penalties at the start of an epoch, and forget what the last one showed.

        Args:
            epoch: Counted from 1.
            max_epoch: Epochs of the whole run.
            accum_grad: Mini-batches per optimiser step.
            steps: Optimiser steps of an epoch; None: not known, penalties move between epochs.

        Raises:
            ValueError: If `mode: exact` meets gradient accumulation.
        """
        if self.config.mode == "exact" and self.measures and accum_grad > 1:
            raise ValueError(
                f"`mode: exact` needs `accum_grad: 1`, but got {accum_grad}: its weights come from"
                " the very batch that they weigh. Use `mode: pipelined`."
            )
        self.accum_grad = accum_grad
        self.clock.open_epoch(epoch, max_epoch, steps)
        self._open_epoch()
        self.layers.open_epoch(epoch)

    def begin_batch(self) -> None:
        """Open a mini-batch of training; drop the traces of a step before that was skipped."""
        if self._window.micro_batches == self.accum_grad:
            self._drop_window()
        self._window.micro_batches += 1
        self.weights_used, self._norms_used = self.weights.values, self.geometry.norms
        self.valid = True
        self.gates.multipliers = self._multipliers(self.weights_used)
        self.measured = self._is_due()
        exact = self.config.mode == "exact"
        self.parts = 1 if not self.measured else self.config.exact_batches if exact else 2
        if self._measuring is not None:
            parameters = self.layers.parameters if self.measured else []
            reuse = self.parts == 2 and self.config.acts_on != "measured"
            self._measuring.begin(parameters, steps_on_it=reuse)

    def observe(
        self, losses: Sequence[Sequence[Tensor]], counted: GlobalCounts
    ) -> list[Sequence[Tensor]]:
        """Measure the objectives where a measurement is due.

        Args:
            losses: For each independent part of the mini-batch, one scalar per objective: the
                share of this rank in the mean over the label tokens of all ranks.
            counted: What all ranks have counted.

        Returns:
            The losses of each part to step on: the same values.
        """
        window, stepped_on = self._window, list(losses)
        window.add_presence(counted.present)
        if self.weights.needs_losses:
            window.add_losses(counted.losses, counted.present.any(dim=0))
        if self.measured:
            (first, stepped_on[0]), (second, stepped_on[1]) = (
                self._measure(losses[part], counted.present[part]) for part in (0, 1)
            )
            window.add_rows(first, second, counted.labels[:2])
        if self.measured and self.config.mode == "exact":
            self._proposal = self._propose()
            self.valid = self._proposal.moved is not None
            if self._proposal.moved is not None:
                self.weights_used = self._proposal.moved.weights
            self._norms_used = self._proposal.norms
            self.gates.multipliers = self._multipliers(self.weights_used)
        return stepped_on

    def settle(self, total: Tensor, losses: Sequence[Sequence[Tensor]], shares: Tensor) -> Tensor:
        """Return the loss to step on, where the weights do not act on the whole backbone.

        Args:
            total: The sum of the mean losses.
            losses: The losses that it is the sum of, [parts][m].
            shares: What each of them was multiplied with, [parts, m].
        """
        if self.config.acts_on != "measured" or self._elsewhere is None:
            return total
        uniform = self._multipliers(self.hierarchy.uniform())
        extra = shares.double().cpu() * (uniform - self.gates.multipliers)
        with self.gates.opened():
            return weigh_elsewhere(total, losses, extra, self._elsewhere.parameters)

    def commit(self) -> None:
        """Move the weights, after the optimiser has made its step."""
        proposal = self._proposal or self._propose()
        if proposal.moved is not None:
            self.weights.move(proposal.moved)
        self.since += bool(self.layers.parameters)  # steps count while something is measured
        if proposal.products is not None:
            self.geometry.norms = proposal.norms
            both = self._window.present.all(dim=0)
            self.means.gradients.add(proposal.products, both, self.gates.multipliers)
        if proposal.finite and self._window.halves:
            self.since = 0
            if self.layers.survey(self._window.halves):  # other layers, other norms
                self.geometry.restart()
                self.weights.restart_scale()
        self.means.add_step(self.weights_used)
        self.layers.count_step()
        self.clock.count_step()
        if self._measuring is not None:
            self._measuring.forget()
        self._drop_window()

    def _multipliers(self, weights: Tensor) -> Tensor:
        """Return what the gradient of each objective is multiplied with in this step, [m]."""
        plain = self.hierarchy.spread(self.clock.c) * weights
        return self.geometry.multipliers(plain, self._norms_used)

    def _is_due(self) -> bool:
        parameters = self.layers.parameters
        if not self.measures or not parameters or not self.geometry.is_ready(parameters):
            return False
        return self.config.mode == "exact" or self.since + 1 >= self.config.refresh

    def _measure(
        self, losses: Sequence[Tensor], present: Tensor
    ) -> tuple[Tensor, Sequence[Tensor]]:
        if self._measuring is None:
            raise RuntimeError("The soup must be bound to a model before it measures.")
        return self._measuring.measure(losses, present.tolist())

    def _propose(self) -> Proposal:
        """Find the next weights from what the window holds."""
        window, norms, products = self._window, self.geometry.norms, None
        both, elapsed = window.present.all(dim=0), self.since + 1
        if window.halves:
            window.close()
        # While layers are selected anew and none was before, nothing feeds the weights.
        if window.halves and self.layers.used_parameters:
            used = [self.layers.used(rows) for rows in window.halves]
            whole = None if window.whole is None else self.layers.used(window.whole)
            products = self.geometry.products(
                used, self.layers.used_parameters, whole, window.shares
            )
            if not products.finite:
                return Proposal(None, norms, None, finite=False)
            # What one half lacks is in no product, neither in those of the levels above.
            products = products.scaled(both.double())
            norms = self.geometry.after(products, both, elapsed)
        if not torch.isfinite(window.losses).all():
            return Proposal(None, norms, products)
        evidence = Evidence(
            products=None if products is None else self.geometry.shown(products, norms),
            losses=window.losses,
            present=window.present.any(dim=0),
            both=both,
            elapsed=elapsed,
            epoch=self.clock.epoch,
        )
        return Proposal(self.weights.propose(self.clock.c, evidence), norms, products)

    def _left_alone(self) -> list[Parameter]:
        """Return the parameters of the backbone that `acts_on: measured_only` leaves alone."""
        begun = self.clock.epoch >= self.config.acts_from and self.layers.used_parameters
        return self._elsewhere.parameters if self._elsewhere and begun else []

    def _drop_window(self) -> None:
        batch = self.config.gram == "batch"
        self._window = StepWindow(len(self.names), self.accum_grad, batch)
        self._proposal = None

    def _open_epoch(self) -> None:
        """Forget what an epoch has shown."""
        self._drop_window()
        self.means = EpochMeans(self.hierarchy)
        self.weights_used, self._norms_used = self.weights.values, self.geometry.norms
        self.gates.multipliers = self._multipliers(self.weights_used)
