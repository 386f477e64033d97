"""The state of a soup: weights, penalties, running norms, and when they move."""

from collections.abc import Sequence

import torch
from torch import Tensor

from espnet_soups.gradients.gate import Gates
from espnet_soups.gradients.means import GradientMeans
from espnet_soups.levels.hierarchy import Hierarchy
from espnet_soups.levels.penalty import PenaltySchedule
from espnet_soups.model.measured_layers import MeasuredLayers
from espnet_soups.model.measuring import Measuring
from espnet_soups.model.ranks import sum_over_ranks, summed_over_ranks
from espnet_soups.model.row_pairs import RowPairs
from espnet_soups.model.running_norms import RunningNorms
from espnet_soups.model.soup_config import SoupConfig
from espnet_soups.model.soup_state import load_state, save_state
from espnet_soups.model.step_window import Proposal, StepWindow
from espnet_soups.model.weighted_levels import WeightedLevels
from espnet_soups.weighting.combiner import Combiner


class Soup(WeightedLevels):
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

    means: GradientMeans
    weights_used: Tensor
    valid: bool
    measured: bool = False  # whether the mini-batch that is open is measured
    _window: StepWindow
    _measuring: Measuring | None = None
    _proposal: Proposal

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
        super().__init__(hierarchy, combiners, schedules, config.weight_scale == "objectives")
        self.names = list(names)
        self.config = config
        size = len(names)
        self.gates = Gates(size)
        self.layers = MeasuredLayers(shared, config, size, share_noise)
        self.norms = RunningNorms(size, config.gradient_norm == "ema")
        self.pairs = RowPairs(size, config.refresh)
        self.accum_grad = 1
        self.valid = True
        self._forget()

    @property
    def parts(self) -> int:
        """How many independent batches the soup draws from each mini-batch of training."""
        return self.config.exact_batches if self.config.mode == "exact" and self.measures else 1

    @property
    def parts_stepped_on(self) -> slice:
        """Which of these batches the step is made on: all, or the last of three."""
        return slice(2, None) if self.parts == 3 else slice(None)

    def bind(self, model: torch.nn.Module, optimizer: torch.optim.Optimizer) -> None:
        """Ties the soup to the model it measures and to the optimiser whose steps it follows."""
        if self.measures:
            self.layers.bind(model)
            weigh_heads = self.config.heads == "weighted"
            self._measuring = Measuring(model, self.layers.shared, self.gates, weigh_heads)
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
        self.accum_grad = accum_grad
        self.set_epoch(epoch, max_epoch)
        self._forget()
        self.layers.open_epoch(epoch)
        self.gates.multipliers = self.multipliers(self.weights)

    def begin_batch(self) -> None:
        """Opens a mini-batch of training; drops the traces of a step before that was skipped."""
        if self._window.micro_batches == self.accum_grad:
            self._drop_window()
        self._window.micro_batches += 1
        self.weights_used = self.weights.clone()
        self.gates.multipliers = self.multipliers(self.weights)
        self.valid = True
        self.measured = self._is_due()
        if self._measuring is not None:
            parameters = self.layers.parameters if self.measured else []
            self._measuring.begin(parameters, steps_on_it=self.parts < 3)

    def observe(
        self, losses: Sequence[Sequence[Tensor]], present: Tensor
    ) -> list[Sequence[Tensor]]:
        """Measures the objectives where a measurement is due.

        Args:
            losses: For each independent part of the mini-batch, one scalar per objective.
            present: For each part, whether any rank has a label of the objective, bool [parts, m].

        Returns:
            The losses of each part to step on: the same values. `valid` then tells whether the
            step may be made: whether the gradients that its weights come from are finite.
        """
        window, stepped_on = self._window, list(losses)
        window.add_presence(present)
        if self.combiners.needs_losses:
            window.add_losses(losses, present)
        if self.parts > 1:
            (first, stepped_on[0]), (second, stepped_on[1]) = (
                self._measure(losses[part], present[part]) for part in (0, 1)
            )
            first, second = summed_over_ranks(first), summed_over_ranks(second)
            window.rows, window.pair = (first + second) / 2, (first, second)
            window.present = present[:2].all(dim=0)
            self._proposal = self._propose(window.pair, window.present)
            self.valid = self._proposal.moved is not None
            if self._proposal.moved is not None:
                self.weights_used = self._proposal.moved[0]
            self.gates.multipliers = self.multipliers(self.weights_used)
        elif self._is_due():
            rows, stepped_on[0] = self._measure(losses[0], present[0])
            window.add_rows(rows if self.accum_grad == 1 else rows / self.accum_grad)
        return stepped_on

    def commit(self) -> None:
        """Moves the weights, after the optimiser has made its step."""
        window = self._window
        if self.parts == 1:
            if window.rows is not None:
                sum_over_ranks(window.rows)
                window.pair = self.pairs.pair(window.rows)
            self._proposal = self._propose(window.pair, self.pairs.both(window.present))
        if self._proposal.moved is not None:
            self.set_weights(*self._proposal.moved)
        if self._proposal.norms is None:
            window.rows = None  # not finite, though the step was: as good as not measured
        else:
            self.norms.set(self._proposal.norms)
        if window.rows is not None:
            self.means.add(self.layers.used(window.rows))
            if self.layers.survey(window.rows, window.pair):
                self.norms.restart()
        rows = window.rows if self.parts == 1 else None
        self.pairs.count_step(None if rows is None else self.layers.kept(rows), window.present)
        self.layers.count_step()
        self.count_step()
        self._drop_window()

    def _is_due(self) -> bool:
        return self.measures and (self.parts > 1 or self.pairs.due)

    def _measure(
        self, losses: Sequence[Tensor], present: Tensor
    ) -> tuple[Tensor, Sequence[Tensor]]:
        if self._measuring is None:
            raise RuntimeError("The soup must be bound to a model before it measures.")
        return self._measuring.measure(losses, present.tolist())

    def _propose(self, pair: tuple[Tensor, Tensor] | None, both: Tensor) -> Proposal:
        """Finds the next weights, from two independent sets of rows where there are two."""
        window, norms = self._window, None
        if window.rows is not None:
            norms = self.norms.after(self.layers.used(window.rows), window.present)
        gram = self.weights.new_zeros(len(self.names), len(self.names))
        if pair is not None:
            first, second = pair
            used = self.layers.used(first), self.layers.used(second)
            gram = self.norms.gram(used, norms).to(gram)
        losses = window.losses().to(gram)
        known = None if pair is None else both
        return Proposal(self.next_weights(gram, losses, window.present, known), norms)

    def _drop_window(self) -> None:
        self._window = StepWindow(len(self.names))
        self._proposal = Proposal()

    def _forget(self) -> None:
        """Forgets all rows and statistics, as at the start of an epoch."""
        self._drop_window()
        self.pairs.forget()
        self.weights_used = self.weights.clone()
        self.means = GradientMeans(len(self.names))
