"""The state of a soup: weights, penalties, running norms, and when they move."""

import logging
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import Parameter

from espnet_soups.gradients.gate import Gates
from espnet_soups.gradients.gram import cross_gram
from espnet_soups.gradients.layers import select_parameters
from espnet_soups.gradients.means import GradientMeans
from espnet_soups.gradients.rows import measure_rows
from espnet_soups.levels.hierarchy import Hierarchy
from espnet_soups.levels.penalty import PenaltySchedule
from espnet_soups.model.ranks import sum_over_ranks
from espnet_soups.model.soup_config import SoupConfig
from espnet_soups.model.soup_state import load_state, save_state
from espnet_soups.weighting.combiner import Combiner

NORM_MEMORY = 0.01  # the running mean of row norms forgets 1 % per step, once it is warm


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
    """

    weights: Tensor
    penalties: Tensor
    norms: Tensor
    norm_steps: Tensor
    weights_used: Tensor
    _window: Tensor | None
    _previous: Tensor | None
    _proposal: Tensor | None
    _norm_proposal: tuple[Tensor, Tensor] | None
    _window_present: Tensor
    _previous_present: Tensor
    _step: int
    skipped_steps: int
    means: GradientMeans

    def __init__(
        self,
        names: Sequence[str],
        hierarchy: Hierarchy,
        combiners: Sequence[Combiner],
        schedules: Sequence[PenaltySchedule | None],
        config: SoupConfig,
        shared: Sequence[str],
    ) -> None:
        super().__init__()
        self.names = list(names)
        self.hierarchy = hierarchy
        self.combiners = list(combiners)
        self.schedules = list(schedules)
        self.config = config
        self.shared = list(shared)
        self.gates = Gates(len(names))
        self.parameters_measured: list[Parameter] = []
        self.register_buffer("weights", hierarchy.uniform(), persistent=False)
        self.register_buffer("penalties", torch.ones(len(schedules)), persistent=False)
        self.register_buffer("norms", torch.zeros(len(names)), persistent=False)
        self.register_buffer("norm_steps", torch.zeros(len(names)), persistent=False)
        self.accum_grad = 1
        self._forget()

    @property
    def measures(self) -> bool:
        """Whether any level looks at gradients."""
        return any(combiner.measures for combiner in self.combiners)

    @property
    def parts(self) -> int:
        """How many independent batches the soup draws from each mini-batch of training."""
        return 2 if self.config.mode == "exact" and self.measures else 1

    def bind(self, model: torch.nn.Module, optimizer: torch.optim.Optimizer) -> None:
        """Ties the soup to the model it measures and to the optimiser whose steps it follows."""
        if self.measures:
            self.parameters_measured = select_parameters(model, self.shared, self.config.layers)
            numbers = sum(parameter.numel() for parameter in self.parameters_measured)
            rows = 2 * len(self.names) * numbers
            logging.info(
                f"Gradient rows: {len(self.names)} objectives x {numbers:,} parameters of"
                f" layers={self.config.layers}, {rows * 4 / 2**20:.1f} MiB for two batches"
            )
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
        values = [1.0 if s is None else s.at(epoch, max_epoch) for s in self.schedules]
        self.penalties.copy_(torch.tensor(values))
        self.accum_grad = accum_grad
        self._forget()
        self.gates.multipliers = self.multipliers(self.weights)

    def multipliers(self, weights: Tensor) -> Tensor:
        """Gives what the gradient of each objective is multiplied with: c_p w_k, [m]."""
        scale = self.penalties
        if self.config.weight_scale == "objectives":
            scale = scale * self.hierarchy.sizes().to(scale)
        return self.hierarchy.spread(scale) * weights

    def begin_batch(self) -> None:
        """Opens a mini-batch of training; if ESPnet skipped the step before, drops its traces."""
        if self._micro_batches == self.accum_grad:
            self._drop_window()
            self.skipped_steps += 1
        self._micro_batches += 1
        self.weights_used = self.weights.clone()
        self.gates.multipliers = self.multipliers(self.weights)

    def observe(self, losses: Sequence[Sequence[Tensor]], present: Tensor) -> None:
        """Measures the objectives where a measurement is due.

        Args:
            losses: For each independent part of the mini-batch, one scalar per objective.
            present: For each part, whether any rank has a label of the objective, bool [parts, m].
        """
        if not self.measures:
            return
        if self.parts > 1:
            first, second = (
                sum_over_ranks(self._measure(part, here))
                for part, here in zip(losses, present, strict=True)
            )
            window = (first + second) / 2
            self._window, self._window_present = window, present.all(dim=0)
            self._propose_norms(window, self._window_present)
            self._proposal = self._propose(first, second, self._window_present)
            self.weights_used = self._proposal
            self.gates.multipliers = self.multipliers(self._proposal)
        elif self._step % self.config.refresh < 2:
            rows = self._measure(losses[0], present[0]) / self.accum_grad
            if self._window is None:
                self._window, self._window_present = rows, present[0]
            else:
                self._window += rows
                self._window_present = self._window_present | present[0]

    def commit(self) -> None:
        """Moves the weights, after the optimiser has made its step."""
        if self._window is not None and self.parts == 1:
            sum_over_ranks(self._window)
            self._propose_norms(self._window, self._window_present)
            if self._previous is not None:
                both = self._window_present & self._previous_present
                self._proposal = self._propose(self._window, self._previous, both)
        if self._window is not None:
            self.means.add(self._window)
        if self._proposal is not None:
            self.weights.copy_(self._proposal)
        if self._norm_proposal is not None:
            self.norms.copy_(self._norm_proposal[0])
            self.norm_steps.copy_(self._norm_proposal[1])
        paired = self.config.refresh > 1 and self._previous is not None
        self._previous = None if paired or self.parts > 1 else self._window
        self._previous_present = self._window_present
        self._step += 1
        self._drop_window()

    def _measure(self, losses: Sequence[Tensor], present: Tensor) -> Tensor:
        with self.gates.opened():
            return measure_rows(losses, self.parameters_measured, present.tolist())

    def _propose(self, first: Tensor, second: Tensor, present: Tensor) -> Tensor:
        """Finds the next weights from two independent sets of rows."""
        scale = torch.ones_like(self.norms)
        if self.config.gradient_norm == "ema" and self._norm_proposal is not None:
            norms = self._norm_proposal[0]
            scale = torch.where(norms > 0, norms, scale)
        gram = cross_gram(first, second, scale, scale).to(self.weights.dtype)
        if not torch.isfinite(gram).all():  # ESPnet is about to skip this step
            return self.weights.clone()
        return self.hierarchy.move(self.weights, self.penalties, gram, present, self._move_level)

    def _move_level(self, position: int, weights: Tensor, gram: Tensor) -> Tensor:
        combiner = self.combiners[position]
        return combiner(weights, (gram + gram.T) / 2 if combiner.symmetric else gram)

    def _propose_norms(self, rows: Tensor, present: Tensor) -> None:
        """Updates the running means of the row norms: plain means at first, then exponential."""
        steps = self.norm_steps + present.to(self.norm_steps)
        share = present.to(self.norms) * (1.0 / steps.clamp(min=1.0)).clamp(min=NORM_MEMORY)
        norms = self.norms + share * (rows.norm(dim=1).to(self.norms) - self.norms)
        self._norm_proposal = (norms, steps) if torch.isfinite(norms).all() else None

    def close_epoch(self) -> None:
        """Counts the last step of the epoch if ESPnet skipped it."""
        if self._micro_batches == self.accum_grad:
            self._drop_window()
            self.skipped_steps += 1

    def _drop_window(self) -> None:
        self._window = None
        self._proposal = None
        self._norm_proposal = None
        self._micro_batches = 0

    def _forget(self) -> None:
        """Forgets all rows and statistics, as at the start of an epoch."""
        size = len(self.names)
        self._drop_window()
        self._previous = None
        self._window_present = self._previous_present = torch.zeros(size, dtype=torch.bool)
        self.weights_used = self.weights.clone()
        self._step = 0
        self.skipped_steps = 0
        self.means = GradientMeans(size)
