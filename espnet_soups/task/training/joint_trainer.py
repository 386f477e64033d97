"""Extend ESPnet's trainer by checkpoints that survive and a record of every epoch."""

import argparse
import logging
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from espnet2.train.trainer import Trainer

from espnet_soups.network.msp_model import MSPModel
from espnet_soups.task.balance.seen import CountedIterFactory
from espnet_soups.task.checks.changed_data import (
    describe_data,
    find_changed_data,
    write_data_record,
)
from espnet_soups.task.checks.changed_settings import check_changes, check_first_epoch
from espnet_soups.task.checks.check_labels import add_remark, report_labels
from espnet_soups.task.checks.check_schedule import check_schedule
from espnet_soups.task.scores.check_scores import check_earlier_epochs
from espnet_soups.task.scores.watch import ScoreWatch
from espnet_soups.task.training.checkpoint import (
    CURRENT,
    keep_whole_files,
    mend_epoch_files,
    recover,
    set_aside,
    tell_resumption,
)
from espnet_soups.task.training.delta import (
    LEFT_OUT,
    first_epoch_losses,
    read_reference,
    relative_improvement,
    signed_losses,
)
from espnet_soups.task.training.epoch_progress import FILE as PROGRESS
from espnet_soups.task.training.epoch_progress import WatchedBatches, seconds_of_frame
from espnet_soups.task.training.epoch_record import (
    check_steps,
    epoch_means,
    review_epoch,
    without_nan,
    write_record,
)
from espnet_soups.task.training.midepoch.checkpoint import FILE as MIDEPOCH
from espnet_soups.task.training.midepoch.keeper import EpochKeeper
from espnet_soups.task.training.midepoch.state import EpochParts
from espnet_soups.task.training.model_file import check_tensors, read_states
from espnet_soups.task.training.threads import ThreadChooser, chooser_of


@dataclass(frozen=True)
class TrainedEpoch:
    """Results of training an epoch, before its validation.

    Attributes:
        seconds: Wall time of its training.
        loss: Mean loss of each objective.
        labels: (number of labels, number of unalignable labels) of each objective.
        shortened: Number of utterances of each objective that were used in part.
        watched: Statistics that the heads of objectives watch, such as the variance of the encoder
            output.
    """

    seconds: float
    loss: dict[str, float]
    labels: dict[str, tuple[int, int]]
    shortened: dict[str, int]
    watched: dict[str, dict[str, float]]


class JointTrainer(Trainer):
    """Trainer on the weighted sum of the losses (`trainer: default`).

    Every step is ESPnet's. Around the epochs it keeps the last whole checkpoint, writes
    `soup.jsonl`, and ends a run that learns nothing.
    """

    begun: ClassVar[bool] = False  # whether this process has begun an epoch
    at: ClassVar[WatchedBatches | str] = "the start"  # where training is
    earlier: ClassVar[str | None] = None  # config.yaml as it was before this run
    settings: ClassVar[dict[str, Any]]
    trained: ClassVar[TrainedEpoch]
    reference_file: ClassVar[str | None] = None
    reference: ClassVar[dict[str, float] | None]
    threads: ClassVar[ThreadChooser | None]
    keeper: ClassVar[EpochKeeper]
    scores: ClassVar[ScoreWatch]
    batches: ClassVar[Any] = None  # ESPnet's factory of the mini-batches of an epoch

    @classmethod
    def build_options(cls, args: argparse.Namespace) -> Any:
        """Return ESPnet's options of a trainer, and keep all settings beside them.

        Args:
            args: All options.
        """
        cls.settings = vars(args)
        cls.reference_file = args.delta_reference
        return super().build_options(args)

    @classmethod
    def run(cls, model: torch.nn.Module, *args: Any, **kwargs: Any) -> None:
        """Train, from the last checkpoint if there is one, after a whole epoch or inside one.

        Args:
            model: The model, perhaps in its distributed wrapper.
            *args: ESPnet's further arguments.
            **kwargs: ESPnet's further arguments by name.

        Raises:
            StoppedBySignalError: If a signal has arrived, after a checkpoint.
            ValueError: If the checkpoint is of another configuration, if settings or data have
                changed and no epoch is left to train with them, or if labels cannot be learnt.
            OSError: If the disk is full.
        """
        options, distributed_option = kwargs["trainer_options"], kwargs["distributed_option"]
        output_dir = Path(options.output_dir)
        named = cls.reference_file
        cls.reference = None if named is None else read_reference(Path(named))
        cls.threads = chooser_of(cls.settings, distributed_option.distributed)
        cls.batches = kwargs.get("train_iter_factory")
        data, remarks = describe_data(cls.settings), []
        states = None
        cls.keeper = keeper_of(cls.settings, options, model, distributed_option)
        if options.resume:
            if is_first_rank(distributed_option):
                recover(output_dir)
            if distributed_option.distributed:
                torch.distributed.barrier()
            if (output_dir / CURRENT).exists():
                states = read_states(output_dir / CURRENT)
                changed = find_changed_data(output_dir, cls.settings, data)
                remarks = check_changes(
                    output_dir, cls.earlier, cls.settings, options, states, changed
                )
                check_tensors(states["model"], model.state_dict(), str(output_dir / CURRENT))
                cls.check_states(states)
                check_earlier_epochs(
                    argparse.Namespace(**cls.settings), states, str(output_dir / CURRENT)
                )
                if named is None:
                    cls.reference = first_epoch_losses(states["reporter"])
                if is_first_rank(distributed_option):
                    mend_epoch_files(output_dir, states, options.best_model_criterion)
            cls.find_midepoch(states, model, kwargs["train_iter_factory"], data, remarks)
        first = is_first_rank(distributed_option)
        if first:
            tell_resumption(output_dir, states, options.max_epoch, cls.keeper.resumed)
        del states  # as large as the model
        cls.scores = ScoreWatch(network_of(model), cls.settings, output_dir)
        remarks += cls.scores.remarks
        report_labels(cls.settings, network_of(model), output_dir if first else None, remarks)
        if first:
            write_data_record(output_dir, data)
        with keep_whole_files(output_dir), cls.keeper.stop.watched():
            super().run(model, *args, **kwargs)
        cls.keeper.forget()

    @classmethod
    def find_midepoch(
        cls, states: Any, model: torch.nn.Module, factory: Any, data: Any, remarks: list[str]
    ) -> None:
        """Look for a checkpoint inside the next epoch.

        Args:
            states: The checkpoint of the last whole epoch, or None.
            model: The model.
            factory: ESPnet's factory of the mini-batches of an epoch.
            data: The tables of this run, see `describe_data`.
            remarks: List to extend by warnings: of a checkpoint that cannot be used, of changed
                data.

        Raises:
            ValueError: If it is of another model or another trainer.
        """
        folder = cls.keeper.output_dir
        epoch = 1 if states is None else states["reporter"]["epoch"] + 1
        reason = cls.keeper.find(epoch, factory)
        if reason:
            logging.warning(reason)
            remarks.append(reason)
        if cls.keeper.resumed is not None:
            if states is None:  # else they have been compared with those of the last whole epoch
                changed = find_changed_data(folder, cls.settings, data)
                remarks += check_first_epoch(folder, cls.earlier, cls.settings, changed)
            name = str(folder / MIDEPOCH)
            check_tensors(cls.keeper.resumed["model"], model.state_dict(), name)
            cls.check_states(cls.keeper.resumed)

    @classmethod
    def train_one_epoch(cls, model: torch.nn.Module, *args: Any, **kwargs: Any) -> bool:
        """Train an epoch with ESPnet's own steps.

        Args:
            model: The model, perhaps in its distributed wrapper.
            *args: ESPnet's further arguments.
            **kwargs: ESPnet's further arguments by name.

        Returns:
            False: `check_steps` raises an error where ESPnet would return True.

        Raises:
            ValueError: If no step of the epoch was valid.
        """
        network, options, reporter = network_of(model), kwargs["options"], kwargs["reporter"]
        if cls.threads is not None:
            cls.threads.choose()
        start, batches = time.perf_counter(), len(kwargs["iterator"])
        for optimizer in kwargs["optimizers"]:
            optimizer.zero_grad()  # gradients of an incomplete accumulation are in no checkpoint
        network.tally.reset()
        network.guard.open_epoch(options.accum_grad)
        cls.open_epoch(network, reporter, options, batches)
        names = ("optimizers", "schedulers", "scaler", "reporter")
        parts = EpochParts(network, *(kwargs[name] for name in names))
        kwargs["iterator"], made_before, seconds_before = cls.keeper.open(parts, kwargs["iterator"])
        cls.look_ahead(kwargs)
        cls.scores.writer = kwargs["summary_writer"]
        JointTrainer.begun = True
        nothing_learnt = super().train_one_epoch(model, *args, **kwargs) and made_before == 0
        device = next(network.parameters()).device
        network.guard.close_epoch(device)
        check_steps(network.guard, nothing_learnt, reporter.get_epoch(), options.accum_grad)
        cls.close_epoch(network, reporter)
        labels = network.tally.over_ranks(device)
        shortened = network.tally.shortened_over_ranks(device)
        watched = watched_means(reporter, network)
        for line in review_epoch(network.objectives, labels, shortened, watched):
            logging.warning(line)
        seconds = time.perf_counter() - start + seconds_before
        losses = epoch_means(reporter, "loss/")
        cls.trained = TrainedEpoch(seconds, losses, labels, shortened, watched)
        cls.scores.step = reporter.get_total_count()
        return False

    @classmethod
    def place(cls) -> str:
        """Return where this process is, such as `epoch 2, mini-batch 3 of 12`."""
        return JointTrainer.at if isinstance(JointTrainer.at, str) else JointTrainer.at.place()

    @classmethod
    def look_ahead(cls, kwargs: dict[str, Any]) -> None:
        """Check the schedule before the first step, and watch the mini-batches.

        Args:
            kwargs: ESPnet's arguments of an epoch by name; `iterator` is replaced.

        Raises:
            ValueError: If the schedule is shorter than training.
        """
        options, batches = kwargs["options"], kwargs["iterator"]
        output_dir = Path(options.output_dir)
        warning = None if JointTrainer.begun else check_schedule(cls.settings, len(batches))
        first = is_first_rank(kwargs["distributed_option"])
        if first and warning is not None:
            add_remark(output_dir, warning)
        JointTrainer.at = WatchedBatches(
            batches,
            output_dir / PROGRESS if first else None,
            kwargs["reporter"],
            options.max_epoch,
            options.accum_grad,
            seconds_of_frame(cls.settings),
        )
        kwargs["iterator"] = JointTrainer.at

    @classmethod
    def validate_one_epoch(cls, model: torch.nn.Module, *args: Any, **kwargs: Any) -> None:
        """Validate, write the record of the epoch, and set the last checkpoint aside.

        Args:
            model: The model, perhaps in its distributed wrapper.
            *args: ESPnet's further arguments.
            **kwargs: ESPnet's further arguments by name.
        """
        start = time.perf_counter()
        JointTrainer.at = f"the validation of epoch {kwargs['reporter'].get_epoch()}"
        kwargs["iterator"] = cls.keeper.validated(kwargs["iterator"])
        super().validate_one_epoch(model, *args, **kwargs)
        network, reporter = network_of(model), kwargs["reporter"]
        valid_loss = epoch_means(reporter, "loss/")
        if cls.reference is None:
            cls.reference = valid_loss
        left_out = signed_losses(network)
        delta = relative_improvement(valid_loss, cls.reference, left_out)
        scores = cls.scores.score(reporter.get_epoch(), kwargs["options"])
        # on every rank, since each looks for the best epoch
        reporter.register({"delta": delta, **scores.statistics})
        reporter.next()
        if math.isfinite(delta):  # else no loss can be compared
            without = f", without {', '.join(left_out)} (losses that may be negative)"
            logging.info(
                f"valid delta: {delta:+.4f}, mean relative improvement of the validation losses"
                f" over {cls.origin()}{without if left_out else ''}"
            )
        if not is_first_rank(kwargs["distributed_option"]):
            return
        output_dir = Path(kwargs["options"].output_dir)
        record = {
            "epoch": reporter.get_epoch(),
            "seconds": round(cls.trained.seconds, 3),
            "valid_seconds": round(time.perf_counter() - start, 3),
            "objectives": network.tally.names,
            "loss": cls.trained.loss,
            "valid_loss": valid_loss,
            "valid_accuracy": epoch_means(reporter, "acc/"),
            "selects": [objective.name for objective in network.objectives if objective.selects],
            "delta": delta,
            **({LEFT_OUT: left_out} if left_out else {}),
            "labels": {name: pair[0] for name, pair in cls.trained.labels.items()},
            "unalignable": {name: pair[1] for name, pair in cls.trained.labels.items()},
            "skipped_steps": network.guard.skipped,
            "not_finite": network.guard.not_finite,
            **seen_by(cls.batches),
            **scores.entries(),
        } | cls.describe(network)
        for name, means in watched_means(reporter, network).items():
            shortened = {"shortened": cls.trained.shortened[name]}
            record[name] = cls.trained.watched[name] | shortened
            record[f"valid_{name}"] = means
        write_record(output_dir, without_nan(record))
        set_aside(output_dir)

    @classmethod
    def origin(cls) -> str:
        """Return the run or epoch to which `delta` refers."""
        return "the first epoch" if cls.reference_file is None else str(cls.reference_file)

    @classmethod
    def check_states(cls, states: dict[str, Any]) -> None:
        """Refuse a checkpoint from which this trainer cannot resume.

        Args:
            states: The checkpoint.

        Raises:
            ValueError: If it was written by `trainer: msp`.
        """
        if any("soup" in state for state in states["optimizers"]):
            raise ValueError(
                f"{CURRENT} was written by `trainer: msp`, but this run has `trainer: default`."
                " Use another `--output_dir`, or `--resume false`."
            )

    @classmethod
    def open_epoch(cls, network: MSPModel, reporter: Any, options: Any, batches: int) -> None:
        """Begin an epoch: with static weights there is nothing to do.

        Args:
            network: The model.
            reporter: The statistics of the epoch.
            options: ESPnet's options of the trainer.
            batches: Number of mini-batches of the epoch.
        """

    @classmethod
    def close_epoch(cls, network: MSPModel, reporter: Any) -> None:
        """End the training of an epoch: with static weights there is nothing to do.

        Args:
            network: The model.
            reporter: The statistics of the epoch.
        """

    @classmethod
    def describe(cls, network: MSPModel) -> dict[str, Any]:
        """Return levels, weights and gradients for the record.

        Args:
            network: The model.
        """
        names = network.tally.names
        weights = [network.static_weights.get(name, 1.0) for name in names]
        level = {"level": 1, "objectives": names, "penalty": 1.0, "weights": weights}
        return {"levels": [level], "gradient_norm": {}, "cosine": None}


def watched_means(reporter: Any, network: MSPModel) -> dict[str, dict[str, float]]:
    """Return the means of the statistics that heads watch in an epoch, by objective.

    Objectives whose head watches none are left out.

    Args:
        reporter: The statistics of the epoch.
        network: The model.
    """
    watching = [o.name for o in network.objectives if network.heads[o.name].watched]
    return {name: epoch_means(reporter, f"{name}/") for name in watching}


def seen_by(batches: Any) -> dict[str, Any]:
    """Return how often languages and corpora were seen; empty if the batches are not ours.

    Args:
        batches: Factory of the mini-batches.
    """
    return {"seen": batches.record()} if isinstance(batches, CountedIterFactory) else {}


def network_of(model: torch.nn.Module) -> MSPModel:
    """Return the model itself, out of its distributed wrapper.

    Args:
        model: The model, perhaps in its distributed wrapper.

    Raises:
        ValueError: If it is not an `MSPModel`.
    """
    network = getattr(model, "module", model)
    if not isinstance(network, MSPModel):
        raise ValueError(f"This trainer trains an MSPModel, but got {type(network).__name__}.")
    return network


def is_first_rank(distributed_option: Any) -> bool:
    """Return whether this process writes the files.

    Args:
        distributed_option: ESPnet's options of the ranks.
    """
    return not distributed_option.distributed or distributed_option.dist_rank == 0


def keeper_of(
    settings: dict[str, Any], options: Any, model: torch.nn.Module, distributed_option: Any
) -> EpochKeeper:
    """Return the keeper that saves inside the epochs of a run.

    Args:
        settings: All options.
        options: ESPnet's options of the trainer.
        model: The model.
        distributed_option: ESPnet's options of the ranks.
    """
    return EpochKeeper(
        Path(options.output_dir),
        settings["save_interval_minutes"],
        settings["save_interval_steps"],
        options.accum_grad,
        next(model.parameters()).device,
        is_first_rank(distributed_option),
    )
