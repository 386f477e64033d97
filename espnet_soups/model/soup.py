"""The state of a soup: weights, penalties, running norms, and when they move."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter

from espnet_soups.gradients.gate import Gates
from espnet_soups.gradients.gram import cosines, cross_gram
from espnet_soups.gradients.layers import select_parameters
from espnet_soups.gradients.rows import measure_rows
from espnet_soups.levels.hierarchy import Hierarchy
from espnet_soups.levels.penalty import PenaltySchedule
from espnet_soups.model.ranks import sum_over_ranks
from espnet_soups.model.soup_config import SoupConfig
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
        optimizer.register_state_dict_post_hook(self._save)
        optimizer.register_load_state_dict_pre_hook(self._load)

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
            self._window, self._window_present = (first + second) / 2, present.all(dim=0)
            self._propose_norms(self._window, self._window_present)
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
            self._window = sum_over_ranks(self._window)
            self._propose_norms(self._window, self._window_present)
            if self._previous is not None:
                both = self._window_present & self._previous_present
                self._proposal = self._propose(self._window, self._previous, both)
        if self._window is not None:
            self._record(self._window)
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

    def _record(self, rows: Tensor) -> None:
        cosine = cosines(rows)
        known = torch.isfinite(cosine)
        self._cosine_sum += torch.where(known, cosine, torch.zeros_like(cosine)).double().cpu()
        self._cosine_count += known.cpu()
        self._norm_sum += rows.norm(dim=1).double().cpu()
        self._records += 1

    def close_epoch(self) -> None:
        """Counts the last step of the epoch if ESPnet skipped it."""
        if self._micro_batches == self.accum_grad:
            self._drop_window()
            self.skipped_steps += 1

    def mean_cosines(self) -> Tensor:
        """Gives the cosine of every pair, averaged over the epoch; NaN: never measured, [m, m]."""
        return self._cosine_sum / self._cosine_count

    def mean_norms(self) -> Tensor:
        """Gives the norm of every row, averaged over the epoch; NaN: never measured, [m]."""
        return self._norm_sum / self._records if self._records else self._norm_sum * torch.nan

    def _drop_window(self) -> None:
        self._window: Tensor | None = None
        self._proposal: Tensor | None = None
        self._norm_proposal: tuple[Tensor, Tensor] | None = None
        self._micro_batches = 0

    def _forget(self) -> None:
        """Forgets all rows and statistics, as at the start of an epoch."""
        size = len(self.names)
        self._drop_window()
        self._previous: Tensor | None = None
        self._window_present = self._previous_present = torch.zeros(size, dtype=torch.bool)
        self.weights_used = self.weights.clone()
        self._step = 0
        self.skipped_steps = 0
        self._cosine_sum = torch.zeros(size, size, dtype=torch.float64)
        self._cosine_count = torch.zeros(size, size, dtype=torch.long)
        self._norm_sum = torch.zeros(size, dtype=torch.float64)
        self._records = 0

    def _save(self, _: torch.optim.Optimizer, state: dict[str, Any]) -> dict[str, Any]:
        levels = [[self.names[index] for index in level] for level in self.hierarchy.levels]
        state["soup"] = {
            "levels": levels,
            "weights": self.weights.clone(),
            "norms": self.norms.clone(),
            "norm_steps": self.norm_steps.clone(),
        }
        return state

    def _load(self, _: torch.optim.Optimizer, state: Mapping[str, Any]) -> dict[str, Any]:
        levels = [[self.names[index] for index in level] for level in self.hierarchy.levels]
        saved = dict(state).get("soup")
        if saved is None or saved["levels"] != levels:
            found = "no soup (another trainer)" if saved is None else f"levels {saved['levels']}"
            raise ValueError(
                f"checkpoint.pth cannot be resumed: it holds {found}, but this run has levels"
                f" {levels}. Use another `--output_dir`, or `--resume false`."
            )
        for name in ("weights", "norms", "norm_steps"):
            getattr(self, name).copy_(saved[name])
        return {key: value for key, value in state.items() if key != "soup"}
