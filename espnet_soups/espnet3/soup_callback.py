"""Open and close the epochs of a soup in Lightning's loop: penalties, weights, skipped steps."""

import math
from typing import Any

from espnet2.train.reporter import SubReporter, aggregate
from lightning import Callback

from espnet_soups.task.training.epoch_record import check_steps
from espnet_soups.task.training.find_trainer import find_trainer


class SoupCallback(Callback):
    """Callback that calls egs2's trainer around an epoch, whose steps are Lightning's."""

    def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        """Set the penalties of the epoch, and log the levels with their weights.

        Args:
            trainer: Lightning's trainer.
            pl_module: The module.
        """
        network, options = pl_module.model, pl_module.options
        pl_module.steps = 0
        network.train()  # as ESPnet 2 does; Lightning leaves parts in the mode they are in
        network.tally.reset()
        network.guard.open_epoch(options.accum_grad)
        self.reporter = SubReporter("train", trainer.current_epoch + 1, 0)
        self.egs2: Any = find_trainer(options.trainer)
        self.egs2.open_epoch(network, self.reporter, options, trainer.num_training_batches)

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """Log cosines and norms of the gradients, and report skipped steps.

        Args:
            trainer: Lightning's trainer.
            pl_module: The module.

        Raises:
            ValueError: If no step of the epoch was made.
        """
        network, epoch = pl_module.model, self.reporter.get_epoch()
        network.guard.close_epoch(pl_module.device)
        check_steps(network.guard, pl_module.steps == 0, epoch, pl_module.options.accum_grad)
        self.egs2.close_epoch(network, self.reporter)
        means = {name: float(aggregate(v)) for name, v in self.reporter.stats.items()}
        pl_module.log_dict({f"train/{k}": v for k, v in means.items() if math.isfinite(v)})
