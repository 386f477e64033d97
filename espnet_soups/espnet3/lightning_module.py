"""Train our model under Lightning, with the batches, the optimiser and the steps of egs2."""

import argparse
import math
from collections.abc import Iterator
from typing import Any

import torch
from espnet2.schedulers.abs_scheduler import AbsBatchStepScheduler
from espnet2.tasks.abs_task import scheduler_classes
from espnet2.torch_utils.set_all_random_seed import set_all_random_seed
from espnet2.train.distributed_utils import DistributedOption
from espnet3.components.modeling.lightning_module import ESPnetLightningModule
from lightning import Callback
from omegaconf import DictConfig

from espnet_soups.espnet3.soup_callback import SoupCallback
from espnet_soups.network.msp_model import MSPModel
from espnet_soups.task.msp_task import MSPTask


class SeededBatches:
    """Mini-batches of an epoch that begin with ESPnet 2's random state, whenever they begin.

    Lightning asks for an iterator twice in all epochs but the first, and each draws a number.

    Args:
        batches: The mini-batches.
        seed: Seed of the epoch.
    """

    def __init__(self, batches: Any, seed: int) -> None:
        self._batches, self._seed = batches, seed

    def __len__(self) -> int:
        """Return the number of mini-batches."""
        return len(self._batches)

    def __iter__(self) -> Iterator[Any]:
        """Return the mini-batches in order."""
        set_all_random_seed(self._seed)
        return iter(self._batches)


class MSPLightningModule(ESPnetLightningModule):
    """Lightning module of a soup.

    The soup moves in a hook of the optimiser, as in egs2. Lightning runs forward and backward
    inside `optimizer.step`, and steps on anything; ESPnet 2 steps after them, and only on gradients
    that are finite and of a whole accumulation window. `optimizer_step` does the same.

    Args:
        model: The model.
        config: The training configuration of ESPnet 3.
        options: The options of the run, see `options_of`.

    Attributes:
        stepped: Whether the last mini-batch ended with a step.
        steps: Steps of this epoch.
    """

    stepped = False
    steps = 0

    def __init__(self, model: MSPModel, config: DictConfig, options: argparse.Namespace) -> None:
        super().__init__(model, config)
        self.options = options
        self._factories = {
            mode: MSPTask.build_iter_factory(options, DistributedOption(), mode)
            for mode in ("train", "valid")
        }

    def configure_callbacks(self) -> list[Callback]:
        """Return the callback of penalties and weights, which training cannot do without."""
        return [SoupCallback()]

    def configure_optimizers(self) -> dict[str, Any]:
        """Return egs2's optimiser, which the soup follows and is saved in, and its scheduler."""
        (optimizer,) = MSPTask.build_optimizers(self.options, self.model)
        configured: dict[str, Any] = {"optimizer": optimizer}
        if self.options.scheduler is not None:
            kind = scheduler_classes[self.options.scheduler]
            scheduler = kind(optimizer, **self.options.scheduler_conf)
            interval = "step" if issubclass(kind, AbsBatchStepScheduler) else "epoch"
            configured["lr_scheduler"] = {
                "scheduler": scheduler,
                "interval": interval,
                "monitor": "valid/loss",  # for schedulers that ask for a value
            }
        return configured

    def train_dataloader(self) -> Any:
        """Return the mini-batches of the next epoch, drawn and seeded as in egs2."""
        epoch = self.current_epoch + 1
        return SeededBatches(self._factories["train"].build_iter(epoch), self.options.seed + epoch)

    def val_dataloader(self) -> Any:
        """Return the mini-batches of the validation, of one language each."""
        return self._factories["valid"].build_iter(self.current_epoch + 1)

    def training_step(self, batch: Any, batch_idx: int) -> torch.Tensor:
        """Return the loss, behind which the gates of the soup weigh the gradients.

        Args:
            batch: (utterance ids, tensors by name).
            batch_idx: Position in the epoch, from 0.
        """
        return self._observe(batch, "train")

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        """Log the statistics of a mini-batch.

        Args:
            batch: (utterance ids, tensors by name).
            batch_idx: Position in the set, from 0.
        """
        self._observe(batch, "valid")

    def _observe(self, batch: Any, mode: str) -> torch.Tensor:
        loss, stats, weight = self.model(**batch[1])
        named = {f"{mode}/{name}": float(value) for name, value in stats.items()}
        # NaN is an objective without labels here; Lightning's means would be NaN, too
        reported = {name: value for name, value in named.items() if math.isfinite(value)}
        self.log_dict(reported, batch_size=int(weight))
        result: torch.Tensor = loss
        return result

    def optimizer_step(
        self, epoch: int, batch_idx: int, optimizer: Any, optimizer_closure: Any = None
    ) -> None:
        """Step as ESPnet 2 does, and not at all where it does not.

        Args:
            epoch: The epoch, from 0.
            batch_idx: Position in the epoch, from 0.
            optimizer: Lightning's wrapper of the optimiser.
            optimizer_closure: Forward, `zero_grad` and backward of the mini-batch.
        """
        optimizer_closure()
        limit = self.options.grad_clip
        parameters = self.model.parameters()
        norm = torch.nn.utils.clip_grad_norm_(parameters, math.inf if limit <= 0 else limit)
        whole = (batch_idx + 1) % self.options.accum_grad == 0  # the last window may be shorter
        self.stepped = whole and bool(torch.isfinite(norm))
        if self.stepped:
            optimizer.step()
            self.steps += 1

    def lr_scheduler_step(self, scheduler: Any, metric: Any) -> None:
        """Step a scheduler; one that follows steps rests while they are skipped.

        Args:
            scheduler: The scheduler.
            metric: The validation loss, for a scheduler that asks for it.
        """
        if self.stepped or not isinstance(scheduler, AbsBatchStepScheduler):
            super().lr_scheduler_step(scheduler, metric)
