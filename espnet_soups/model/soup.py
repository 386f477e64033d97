"""The state of a soup: weights, penalties, running norms, and when they move."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import Parameter

from espnet_soups.gradients.gate import Gates
from espnet_soups.gradients.gram import cross_gram
from espnet_soups.gradients.means import GradientMeans
from espnet_soups.gradients.norms import next_norms, row_scales
from espnet_soups.gradients.rows import measure_rows
from espnet_soups.levels.hierarchy import Hierarchy
from espnet_soups.levels.penalty import PenaltySchedule, growing_in, penalties_at
from espnet_soups.model.level_combiners import LevelCombiners
from espnet_soups.model.measured_layers import MeasuredLayers
from espnet_soups.model.ranks import sum_over_ranks
from espnet_soups.model.soup_config import SoupConfig
from espnet_soups.model.soup_state import load_state, save_state
from espnet_soups.model.step_window import StepWindow
from espnet_soups.weighting.combiner import Combiner, State


class Soup(torch.nn.Module):
    """Moves the weights once per optimiser step, and tells the gates what they multiply with.

    Its state is that of the optimisation, not of the network: it travels in the state of the
    optimiser (`checkpoint.pth`), and is in no model file, so that averaging and `--init_param`
    never touch it.

    Args:
        names: Names of the objectives, in order.
        hierarchy: Their levels.
        combiners: The combiner of each level.
        schedules: The penalty schedule of each level; None for the top.
        config: The settings.
        shared: Prefixes of the modules that objectives share.
        share_noise: Whether two objectives have labels for the same utterances, bool [m, m].
    """

    weights: Tensor
    penalties: Tensor
    penalty_steps: Tensor
    norms: Tensor
    norm_steps: Tensor
    _window: StepWindow
    _previous: Tensor | None
    _previous_present: Tensor
    _proposal: Tensor | None
    _proposed_norms: tuple[Tensor, Tensor] | None
    _proposed_states: list[State]
    _step: int
    means: GradientMeans

    def __init__(
        self,
        names: Sequence[str],
        hierarchy: Hierarchy,
        combiners: Sequence[Combiner],
        schedules: Sequence[PenaltySchedule | None],
        config: SoupConfig,
        shared: Sequence[str],
        share_noise: Tensor | None = None,
    ) -> None:
        super().__init__()
        self.names = list(names)
        self.hierarchy = hierarchy
        self.combiners = LevelCombiners(hierarchy, combiners)
        self.schedules = list(schedules)
        self.config = config
        size = len(names)
        self.gates = Gates(size)
        self.layers = MeasuredLayers(shared, config, size, share_noise)
        self.register_buffer("weights", self.combiners.initial(), persistent=False)
        self.register_buffer("penalties", torch.ones(len(schedules)), persistent=False)
        self.register_buffer("penalty_steps", torch.zeros(len(schedules)), persistent=False)
        self.register_buffer("norms", torch.zeros(size), persistent=False)
        self.register_buffer("norm_steps", torch.zeros(size), persistent=False)
        self.accum_grad, self.epoch, self.max_epoch = 1, 1, 1
        self._forget()

    @property
    def measures(self) -> bool:
        """Whether any level looks at gradients."""
        return self.combiners.measures

    @property
    def parts(self) -> int:
        """How many independent batches the soup draws from each mini-batch of training."""
        return self.config.exact_batches if self.config.mode == "exact" and self.measures else 1

    @property
    def parts_stepped_on(self) -> slice:
        """Which of these batches the step is made on: all, or the last of three."""
        return slice(2, None) if self.parts == 3 else slice(None)

    @property
    def parameters_measured(self) -> list[Parameter]:
        """The parameters that the next step is measured on."""
        return self.layers.parameters

    def bind(self, model: torch.nn.Module, optimizer: torch.optim.Optimizer) -> None:
        """Ties the soup to the model it measures and to the optimiser whose steps it follows."""
        if self.measures:
            self.layers.bind(model)
        optimizer.register_step_post_hook(lambda *_: self.commit())
        optimizer.register_state_dict_post_hook(lambda _, state: save_state(self, state))
        optimizer.register_load_state_dict_pre_hook(lambda _, state: load_state(self, state))

    def open_epoch(self, epoch: int, max_epoch: int, accum_grad: int) -> None:
        """Sets the penalties of an epoch and forgets the rows of the one before.

        Args:
            epoch: Counted from 1.
            max_epoch: Epochs of the whole run.
            accum_grad: Mini-batches per optimiser step.

        Raises:
            ValueError: If `mode: exact` meets gradient accumulation.
        """
        if self.parts > 1 and accum_grad > 1:
            raise ValueError(
                f"`mode: exact` needs `accum_grad: 1`, but got {accum_grad}: its weights come from"
                " the very batch that they weigh. Use `mode: pipelined`."
            )
        self.epoch, self.max_epoch, self.accum_grad = epoch, max_epoch, accum_grad
        self._forget()
        self._set_penalties()
        self.layers.open_epoch(epoch)
        self.gates.multipliers = self.multipliers(self.weights)

    def multipliers(self, weights: Tensor) -> Tensor:
        """Gives what the gradient of each objective is multiplied with: c_p w_k, [m]."""
        scale = self.penalties
        if self.config.weight_scale == "objectives":
            scale = scale * self.hierarchy.sizes().to(scale)
        return self.hierarchy.spread(scale) * weights

    def begin_batch(self) -> None:
        """Opens a mini-batch of training; if ESPnet skipped the step before, drops its traces."""
        self._drop_skipped()
        self._window.micro_batches += 1
        self.weights_used = self.weights.clone()
        self.gates.multipliers = self.multipliers(self.weights)

    def observe(self, losses: Sequence[Sequence[Tensor]], present: Tensor) -> bool:
        """Measures the objectives where a measurement is due.

        Args:
            losses: For each independent part of the mini-batch, one scalar per objective.
            present: For each part, whether any rank has a label of the objective, bool [parts, m].

        Returns:
            Whether the step may be made; False: the gradients that its weights come from are not
            finite, on any rank.
        """
        window = self._window
        window.add_presence(present)
        if self.combiners.needs_losses:
            window.add_losses(losses, present)
        if self.parts > 1:
            first = sum_over_ranks(self._measure(losses[0], present[0]))
            second = sum_over_ranks(self._measure(losses[1], present[1]))
            window.rows, window.pair = (first + second) / 2, (first, second)
            window.present = present[:2].all(dim=0)
            finite = self._propose(window.pair, window.present)
            self.weights_used = self._proposal if self._proposal is not None else self.weights
            self.gates.multipliers = self.multipliers(self.weights_used)
            return finite
        if self.measures and self._step % self.config.refresh < 2:
            window.add_rows(self._measure(losses[0], present[0]) / self.accum_grad)
        return True

    def commit(self) -> None:
        """Moves the weights, after the optimiser has made its step."""
        window, previous = self._window, self._previous
        if self.parts == 1:
            if window.rows is not None:
                sum_over_ranks(window.rows)
                if previous is not None:
                    window.pair = (window.rows, previous)
            self._propose(window.pair, window.present & self._previous_present)
        if self._proposed_norms is None:
            window.rows = None  # not finite, though the step was: as good as not measured
        if self._proposal is not None:
            self.weights.copy_(self._proposal)
            self.combiners.states = self._proposed_states
        if self._proposed_norms is not None:
            self.norms.copy_(self._proposed_norms[0])
            self.norm_steps.copy_(self._proposed_norms[1])
        if window.rows is not None:
            self.means.add(self.layers.used(window.rows))
            if self.layers.survey(window.rows, window.pair):
                self.norm_steps.zero_()  # rows of other layers have other norms
        done = self.parts > 1 or (self.config.refresh > 1 and previous is not None)
        self._previous = None if done or window.rows is None else self.layers.kept(window.rows)
        self._previous_present = window.present
        self._step += 1
        self.layers.count_step()
        self.penalty_steps += self.penalty_steps.new_tensor(growing_in(self.schedules, self.epoch))
        self._set_penalties()
        self._drop_window()

    def _measure(self, losses: Sequence[Tensor], present: Tensor) -> Tensor:
        with self.gates.opened():
            return measure_rows(losses, self.parameters_measured, present.tolist())

    def _propose(self, pair: tuple[Tensor, Tensor] | None, both: Tensor) -> bool:
        """Finds the next weights, from two independent sets of rows where there are two.

        Returns:
            Whether what they come from is finite; if not, there are none.
        """
        window = self._window
        if window.rows is not None:
            rows = self.layers.used(window.rows)
            proposed = next_norms(self.norms, self.norm_steps, rows, window.present)
            self._proposed_norms = proposed if torch.isfinite(proposed[0]).all() else None
        gram = self.weights.new_zeros(len(self.names), len(self.names))
        if pair is not None:
            scale = torch.ones_like(self.norms)
            if self.config.gradient_norm == "ema" and self._proposed_norms is not None:
                scale = row_scales(self._proposed_norms[0])
            first, second = (self.layers.used(rows) for rows in pair)
            gram = cross_gram(first, second, scale, scale).to(self.weights.dtype)
        losses = window.losses().to(self.weights)
        if not (torch.isfinite(gram).all() and torch.isfinite(losses).all()):
            return False
        moving = self.combiners.taking_part(window.present, None if pair is None else both)
        self._proposal, self._proposed_states = self.combiners.move(
            self.weights, self.penalties, gram, losses, moving, self.epoch
        )
        return True

    def _set_penalties(self) -> None:
        steps = self.penalty_steps.tolist()
        values = penalties_at(self.schedules, self.epoch, self.max_epoch, steps)
        self.penalties.copy_(torch.tensor(values))

    def _drop_skipped(self) -> None:
        if self._window.micro_batches == self.accum_grad:
            self._drop_window()

    def _drop_window(self) -> None:
        self._window = StepWindow(len(self.names))
        self._proposal = None
        self._proposed_norms = None
        self._proposed_states = []

    def _forget(self) -> None:
        """Forgets all rows and statistics, as at the start of an epoch."""
        self._drop_window()
        self._previous = None
        self._previous_present = self._window.present
        self.weights_used = self.weights.clone()
        self._step = 0
        self.means = GradientMeans(len(self.names))
