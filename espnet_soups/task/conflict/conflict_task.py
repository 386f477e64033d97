"""Build everything as for training, then measure conflict instead of training (stage 8)."""

import argparse
import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import torch
from espnet2.tasks.abs_task import AbsTask
from espnet2.torch_utils.safe_torch_load import safe_torch_load

from espnet_soups.conflict.options import LAST, SHARE, START, add_conflict_options
from espnet_soups.conflict.record import RECORD, ConflictRecord, write_record
from espnet_soups.conflict.table import FILE, Row, write_conflicts
from espnet_soups.conflict.words import WORDS, describe
from espnet_soups.files import read_yaml, write_text
from espnet_soups.gradients.batch_pairs import LEAST_BATCHES
from espnet_soups.network.msp_model import MSPModel
from espnet_soups.objectives.own_kind import own_kinds, refuse_foreign
from espnet_soups.objectives.registry import kind_of
from espnet_soups.settings import require_number
from espnet_soups.task.balance.check_balance import settle_batch_bins
from espnet_soups.task.conflict.batches import MeasuredBatches
from espnet_soups.task.conflict.meter import ConflictMeter
from espnet_soups.task.msp_task import MSPTask
from espnet_soups.task.options import add_options
from espnet_soups.task.own_options import add_own_options
from espnet_soups.task.training.checkpoint import CONFIG, CURRENT, check_tensors
from espnet_soups.task.training.joint_trainer import JointTrainer, network_of
from espnet_soups.task.training.threads import chooser_of


class ConflictTrainer(JointTrainer):
    """Trainer that measures conflict instead of training."""

    args: ClassVar[argparse.Namespace]

    @classmethod
    def build_options(cls, args: argparse.Namespace) -> Any:
        """Keep all options, including those of the measurement.

        Args:
            args: All options.

        Returns:
            ESPnet's options of the trainer.
        """
        cls.args = args
        return super().build_options(args)

    @classmethod
    def run(cls, model: torch.nn.Module, *_: Any, **kwargs: Any) -> None:
        """Measure every checkpoint, and write the table, its record and a description in words.

        Args:
            model: The model, perhaps in its distributed wrapper.
            *_: Not used.
            **kwargs: ESPnet's arguments of a training.

        Raises:
            ValueError: If a checkpoint is of another model, or too little can be measured.
            OSError: If a checkpoint cannot be read.
        """
        args, network = cls.args, network_of(model)
        threads = chooser_of(vars(args), kwargs["distributed_option"].distributed)
        if threads is not None:
            threads.choose()
        batches = MeasuredBatches.take(
            kwargs["train_iter_factory"].build_iter(1), args.conflict_batches, args.seed
        )
        network.train()
        meter = ConflictMeter(network, batches, args.conflict_step, args.conflict_confidence)
        meter.announce()
        rows: list[Row] = []
        left_out: dict[str, Mapping[int, list[str]]] = {}
        start = time.perf_counter()
        begun = {name: value.clone() for name, value in network.state_dict().items()}
        for name, path in find_models(args.conflict_models, args.exp_dir).items():
            network.load_state_dict(begun) if path is None else load_model(network, path)
            found = meter.measure(name)
            logging.info(
                f"{name}: {found.used} batches measured, {time.perf_counter() - start:.0f} s"
            )
            rows += found.rows
            left_out[name] = found.left_out
            for number, names in found.left_out.items():
                logging.warning(
                    f"{name}: batch {number + 1} is left out: the gradient of {', '.join(names)} is"
                    " not finite."
                )
        record = ConflictRecord(
            objectives={
                objective.name: {
                    "kind": kind_of(objective).name,
                    "supervised": objective.supervised,
                }
                for objective in network.objectives
            },
            checkpoints=list(dict.fromkeys(row.checkpoint for row in rows)),
            batches=len(batches.batches),
            batch_bins=args.batch_bins,
            repeated=batches.repeated,
            left_out={name: len(numbers) for name, numbers in left_out.items()},
            confidence=args.conflict_confidence,
            step=args.conflict_step,
            seconds=round(time.perf_counter() - start, 1),
        )
        folder = Path(args.output_dir)
        write_conflicts(folder / FILE, rows)
        write_record(folder / RECORD, record)
        write_text(folder / WORDS, describe(rows, record))


class ConflictTask(MSPTask):
    """Task that builds everything as `msp_train` does, and measures conflict."""

    @classmethod
    def add_task_arguments(cls, parser: argparse.ArgumentParser) -> None:
        """Add the options of training and those of the measurement.

        Args:
            parser: ESPnet's parser.
        """
        add_options(parser)
        add_conflict_options(parser)

    @classmethod
    def check_required_command_args(cls, args: argparse.Namespace) -> None:
        """Check the options; those of a soup are ignored, since raw gradients are measured.

        Args:
            args: The options; changed in place.

        Raises:
            ValueError: If an option is not valid.
        """
        args.trainer, args.trainer_conf, args.static_weights = "default", {}, {}
        settle_batch_bins(args)
        if args.conflict_batch_bins <= 0:
            args.conflict_batch_bins = max(1, args.batch_bins // SHARE)
        args.batch_bins = args.conflict_batch_bins
        args.num_iters_per_epoch = None
        if args.conflict_batches < LEAST_BATCHES:
            raise ValueError(
                f"`conflict_batches` must be {LEAST_BATCHES} or more, since fewer make no interval,"
                f" but got {args.conflict_batches}."
            )
        require_number("`conflict_step`", args.conflict_step)
        if not 0 <= args.conflict_step < 1:
            raise ValueError(
                "`conflict_step` is a share of the norm of the parameters, 0 or more and below 1,"
                f" but got {args.conflict_step}."
            )
        if not 0 < args.conflict_confidence < 1:
            raise ValueError(
                f"`conflict_confidence` must lie between 0 and 1, but got"
                f" {args.conflict_confidence}."
            )
        if args.ngpu > 1:
            raise ValueError(f"Conflict is measured on one GPU, but got --ngpu {args.ngpu}.")
        find_models(args.conflict_models, args.exp_dir)
        super().check_required_command_args(args)

    @classmethod
    def main_worker(cls, args: argparse.Namespace) -> None:
        """Measure in this process.

        Args:
            args: The options.
        """
        cls.trainer = ConflictTrainer
        AbsTask.main_worker.__func__(cls, args)  # type: ignore[attr-defined]


def find_models(names: Sequence[str], exp_dir: str | None) -> dict[str, Path | None]:
    """Find the files of the models to measure.

    Args:
        names: See `--conflict_models`.
        exp_dir: Folder of the training that numbers of epochs refer to; None: there is none.

    Returns:
        Name of the checkpoint in the table to its file; None: the model that training starts from.

    Raises:
        ValueError: If a name occurs twice, a file does not exist, or `exp_dir` is missing.
    """
    found: dict[str, Path | None] = {}
    for name in names:
        label, path = name, None
        if name == LAST or name.isdigit():
            if exp_dir is None:
                raise ValueError(f"`--conflict_models {name}` needs `--exp_dir`, a training.")
            path = Path(exp_dir) / (CURRENT if name == LAST else f"{int(name)}epoch.pth")
            label = name if name == LAST else f"epoch {int(name)}"
        elif name != START:
            label, path = Path(name).name.removesuffix(".pth"), Path(name)
        if label in found:
            raise ValueError(f"`--conflict_models` has {label!r} twice.")
        if path is not None and not path.is_file():
            kept = [] if exp_dir is None else Path(exp_dir).glob("*epoch.pth")
            numbers = sorted(int(p.name.removesuffix("epoch.pth")) for p in kept)
            raise ValueError(
                f"`--conflict_models {name}`: {path} does not exist. Only the best epochs"
                f" are kept (`keep_nbest_models`); there are {numbers or 'none'}."
            )
        found[label] = path
    return found


def read_arguments(exp_dir: Path, own: argparse.Namespace) -> argparse.Namespace:
    """Return the options of a training together with those of the measurement.

    Args:
        exp_dir: Folder of the training.
        own: The options of the measurement.

    Raises:
        FileNotFoundError: If the folder has no configuration.
        ValueError: If the configuration is malformed, or names a class that may not be imported.
    """
    shape = {"ngpu?": int}
    trained = read_yaml(exp_dir / CONFIG, "the configuration of a training (stage 9)", shape)
    refuse_foreign(own_kinds(trained), getattr(own, "own_kinds", ()), exp_dir / CONFIG)
    if "required" not in trained:
        raise ValueError(f"{exp_dir / CONFIG} is not the configuration of a training.")
    on_gpu = int((trained.get("ngpu") or 0) > 0 and torch.cuda.is_available())
    defaults = argparse.ArgumentParser()
    add_own_options(defaults)  # defaults of options that an earlier release did not have
    unknown = vars(defaults.parse_args([]))
    return argparse.Namespace(**{**unknown, **trained, "ngpu": on_gpu, **vars(own)})


def load_model(network: MSPModel, path: Path) -> None:
    """Load the parameters of a model file or of a checkpoint.

    Args:
        network: The model; changed in place.
        path: The file.

    Raises:
        ValueError: If they belong to another model.
    """
    states = safe_torch_load(path, map_location="cpu")
    states = states.get("model", states)
    check_tensors(states, network.state_dict(), str(path))
    network.load_state_dict(states)
