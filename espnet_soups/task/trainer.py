"""ESPnet's trainer, told when an epoch begins; the training step stays ESPnet's own."""

import logging
import time
from pathlib import Path
from typing import Any

import torch
from espnet2.torch_utils.safe_torch_load import safe_torch_load
from espnet2.train.trainer import Trainer

from espnet_soups.model.soup import Soup
from espnet_soups.task.checkpoint import check_tensors, recover, set_aside
from espnet_soups.task.epoch_record import (
    build_record,
    describe_levels,
    epoch_means,
    write_record,
)


class MSPTrainer(Trainer):
    """Opens and closes the epochs of a soup.

    The soup itself lives in the model and moves in a hook of the optimiser, so that gradient
    accumulation, clipping, mixed precision, DDP, skipped steps and resuming are ESPnet's.
    """

    @staticmethod
    def resume(checkpoint: str | Path, model: torch.nn.Module, *args: Any, **kwargs: Any) -> None:
        """Resumes as ESPnet does, after a look at what the checkpoint holds.

        Raises:
            ValueError: If it is of another configuration.
        """
        states = safe_torch_load(checkpoint, map_location="cpu")
        if kwargs.get("strict", True):
            check_tensors(states["model"], model.state_dict(), str(checkpoint))
        del states
        Trainer.resume(checkpoint, model, *args, **kwargs)

    @classmethod
    def run(cls, model: torch.nn.Module, *args: Any, **kwargs: Any) -> None:
        """Trains, from the last whole checkpoint if there is one."""
        options = kwargs["trainer_options"]
        distributed = kwargs["distributed_option"].distributed
        if options.resume and _is_first_rank(kwargs["distributed_option"]):
            recover(Path(options.output_dir))
        if distributed:
            torch.distributed.barrier()
        super().run(model, *args, **kwargs)

    @classmethod
    def train_one_epoch(cls, model: torch.nn.Module, *args: Any, **kwargs: Any) -> bool:
        """Opens the epoch of the soup, trains, and reports the cosines of its objectives.

        Raises:
            RuntimeError: If no step of the epoch was valid.
        """
        soup, options, reporter = _soup_of(model), kwargs["options"], kwargs["reporter"]
        start = time.perf_counter()
        for optimizer in kwargs["optimizers"]:
            optimizer.zero_grad()  # what an incomplete accumulation left is in no checkpoint
        soup.open_epoch(reporter.get_epoch(), options.max_epoch, options.accum_grad)
        for level in describe_levels(soup):
            logging.info(_level_line(level))
        if super().train_one_epoch(model, *args, **kwargs):
            raise RuntimeError(
                f"No step of epoch {reporter.get_epoch()} was valid: every gradient was infinite"
                " or not a number. Lower the learning rate, or look for broken audio or labels."
            )
        _report_cosines(soup, reporter)
        soup.train_loss = epoch_means(reporter, "loss/")
        soup.train_seconds = time.perf_counter() - start
        return False

    @classmethod
    def validate_one_epoch(cls, model: torch.nn.Module, *args: Any, **kwargs: Any) -> None:
        """Validates, writes the record of the epoch, and sets the last checkpoint aside."""
        super().validate_one_epoch(model, *args, **kwargs)
        if not _is_first_rank(kwargs["distributed_option"]):
            return
        soup, reporter = _soup_of(model), kwargs["reporter"]
        output_dir = Path(kwargs["options"].output_dir)
        record = build_record(
            soup,
            reporter.get_epoch(),
            soup.train_seconds,
            soup.train_loss,
            epoch_means(reporter, "loss/"),
        )
        write_record(output_dir, record)
        set_aside(output_dir)


def _soup_of(model: torch.nn.Module) -> Soup:
    soup: Soup | None = getattr(model, "module", model).soup
    if soup is None:
        raise ValueError("`trainer: msp` needs a model with a soup; MSPTask builds one.")
    return soup


def _is_first_rank(distributed_option: Any) -> bool:
    return not distributed_option.distributed or distributed_option.dist_rank == 0


def _level_line(level: dict[str, Any]) -> str:
    members = ", ".join(
        f"{name} {weight:.3f}"
        for name, weight in zip(level["objectives"], level["weights"], strict=True)
    )
    place = "top" if level["level"] == 1 else f"penalty {level['penalty']:.3g}"
    return f"level {level['level']} ({place}): {members}"


def _report_cosines(soup: Soup, reporter: Any) -> None:
    cosine = soup.mean_cosines()
    size = len(soup.names)
    known = {
        f"cosine/{soup.names[i]}~{soup.names[j]}": float(cosine[i, j])
        for i in range(size)
        for j in range(i + 1, size)
        if torch.isfinite(cosine[i, j])
    }
    if known:
        reporter.register(known)
        reporter.next()
