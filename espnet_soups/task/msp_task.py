"""Define the ESPnet task of multi-objective training."""

import argparse
import os
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from espnet2.iterators.abs_iter_factory import AbsIterFactory
from espnet2.iterators.sequence_iter_factory import SequenceIterFactory
from espnet2.tasks.abs_task import AbsTask, IteratorOptions, optim_classes
from espnet2.train.collate_fn import CommonCollateFn
from espnet2.train.dataset import AbsDataset
from espnet2.utils import config_argparse

from espnet_soups.backbone.adapters import train_adapters_alone
from espnet_soups.backbone.settings import check_backbone
from espnet_soups.data.lengths import read_shapes
from espnet_soups.file_names import require_file_name
from espnet_soups.network.msp_model import MSPModel
from espnet_soups.objectives.registry import by_kind, kinds_of
from espnet_soups.settings import refuse_mistyped
from espnet_soups.task.augmentation.check_augmentation import check_augmentation
from espnet_soups.task.augmentation.options import augments
from espnet_soups.task.augmentation.seeded_dataset import SeededDataset
from espnet_soups.task.balance.build_batches import build_batches
from espnet_soups.task.balance.seen import CountedIterFactory
from espnet_soups.task.build_model import build_model
from espnet_soups.task.checks.check_adapter import check_adapter, check_trained_encoder
from espnet_soups.task.checks.check_data_names import check_data_names
from espnet_soups.task.checks.check_names import check_names
from espnet_soups.task.checks.check_options import check_options
from espnet_soups.task.data_types import add_data_types, use_compact_types
from espnet_soups.task.half_precision import choose_half_precision
from espnet_soups.task.interpret import languages_of, objectives_of
from espnet_soups.task.launcher import settle_launcher
from espnet_soups.task.lost_ranks import check_timeout, watch_ranks
from espnet_soups.task.muon import Muon, check_scheduler, hidden_matrices, split_matrices
from espnet_soups.task.options import CLASS_CHOICES, OptionParser, add_options
from espnet_soups.task.own_options import add_own_options
from espnet_soups.task.parameter_groups import scale_learning_rates
from espnet_soups.task.preprocessor import MSPPreprocessor, build_preprocessor
from espnet_soups.task.scores.check_scores import check_scores
from espnet_soups.task.training.checkpoint import check_init_param, keep_config
from espnet_soups.task.training.find_trainer import find_trainer
from espnet_soups.task.training.joint_trainer import JointTrainer

add_data_types()
optim_classes["muon"] = Muon


class MSPTask(AbsTask):
    """Task of one encoder on many objectives; see `python -m espnet_soups.bin.msp_train --help`."""

    num_optimizers: int = 1
    class_choices_list: ClassVar = list(CLASS_CHOICES)
    trainer = JointTrainer

    @classmethod
    def get_parser(cls) -> config_argparse.ArgumentParser:
        """Return ESPnet's parser with our options and defaults that suit many objectives."""
        parser = super().get_parser()
        parser.__class__ = OptionParser  # ESPnet builds its parser in one piece
        parser.set_defaults(
            use_matplotlib=False,  # it would redraw every key each epoch; stage 13 draws them
            num_att_plot=0,
            batch_type="numel",
            batch_bins=None,  # so that `batch_seconds` beside it is noticed
            best_model_criterion=[("valid", "loss", "min"), ("valid", "acc", "max")],
        )
        return parser

    @classmethod
    def add_task_arguments(cls, parser: argparse.ArgumentParser) -> None:
        """Add the options of the task.

        Args:
            parser: ESPnet's parser.
        """
        add_options(parser)

    @classmethod
    def check_required_command_args(cls, args: argparse.Namespace) -> None:
        """Check the options before any work.

        Args:
            args: The options; changed in place.

        Raises:
            ValueError: If an option is missing or not valid.
        """
        missing = [f"--{name}" for name in args.required if getattr(args, name) is None]
        if missing:
            raise ValueError(f"These options are required: {', '.join(missing)}.")
        own = argparse.ArgumentParser()
        add_own_options(own)
        refuse_mistyped(str(getattr(args, "config", None) or "The options"), own, vars(args))
        check_options(args)
        check_backbone(args)
        check_adapter(args)
        check_augmentation(args)
        objectives = objectives_of(args)
        grouped = by_kind(objectives)
        for kind in kinds_of(vars(args)):
            kind.check(grouped.get(kind, []), args)
        languages_of(args)
        check_data_names(args, objectives)
        find_trainer(args.trainer)
        check_timeout(args)
        settle_launcher(args, os.environ)

    @classmethod
    def main_worker(cls, args: argparse.Namespace) -> None:
        """Train on one rank; the trainer is chosen here, since spawned ranks begin here, too.

        Args:
            args: The options.

        Raises:
            ValueError: If adapters are added to random weights.
        """
        cls.trainer = find_trainer(args.trainer)
        choose_half_precision()
        if not (args.collect_stats or args.dry_run):
            check_trained_encoder(args)
        JointTrainer.begun, JointTrainer.at = False, "the start"
        output_dir = Path(args.output_dir)
        with (
            watch_ranks(args, JointTrainer.place),
            keep_config(output_dir, lambda: JointTrainer.begun, args.dry_run) as earlier,
        ):
            JointTrainer.earlier = earlier
            super().main_worker(args)

    @classmethod
    def build_collate_fn(
        cls, args: argparse.Namespace, train: bool
    ) -> Callable[
        [Collection[tuple[str, dict[str, np.ndarray]]]],
        tuple[list[str], dict[str, torch.Tensor]],
    ]:
        """Return a function that pads a mini-batch: features with 0, token ids with -1.

        Args:
            args: Not used.
            train: Not used.
        """
        return CommonCollateFn(float_pad_value=0.0, int_pad_value=-1)

    @classmethod
    def build_preprocess_fn(cls, args: argparse.Namespace, train: bool) -> MSPPreprocessor:
        """Build the preprocessor.

        Args:
            args: The options.
            train: Whether it is for training.
        """
        return build_preprocessor(args, train)

    @classmethod
    def required_data_names(cls, train: bool = True, inference: bool = False) -> tuple[str, ...]:
        """Return the names that every data set must have.

        Args:
            train: Not used.
            inference: Whether the data are for decoding, without `lang`.
        """
        return ("speech", "lang") if not inference else ("speech",)

    @classmethod
    def optional_data_names(cls, train: bool = True, inference: bool = False) -> tuple[str, ...]:
        """Return the further names for ESPnet to accept: none, as `check_data_names` checks them.

        Args:
            train: Not used.
            inference: Not used.
        """
        return ()

    @classmethod
    def check_task_requirements(
        cls,
        dataset: Any,
        allow_variable_data_keys: bool,
        train: bool,
        inference: bool = False,
    ) -> None:
        """Check that no required data name is missing.

        Args:
            dataset: ESPnet's data set.
            allow_variable_data_keys: Not used.
            train: Whether it is for training.
            inference: Whether it is for decoding.

        Raises:
            ValueError: If a name is missing.
        """
        names = list(dataset.names())
        required = cls.required_data_names(train, inference)
        if not set(required) <= set(names):
            raise ValueError(f"The data need the names {list(required)}, but have {names}.")

    @classmethod
    def build_dataset(
        cls,
        args: argparse.Namespace,
        iter_options: IteratorOptions,
        keys_to_load: set[int | str] | None = None,
    ) -> AbsDataset:
        """Build ESPnet's data set, with tables that a million utterances fit into.

        Args:
            args: The options.
            iter_options: ESPnet's options of the set.
            keys_to_load: Not used: a compact table holds all of its lines.
        """
        files = use_compact_types(iter_options.data_path_and_name_and_type)
        options = replace(iter_options, data_path_and_name_and_type=files)
        return super().build_dataset(args, options)

    @classmethod
    def build_model(cls, args: argparse.Namespace) -> MSPModel:
        """Build the model, and the soup if the trainer needs one.

        Args:
            args: The options.

        Raises:
            ValueError: If an option is not valid.
        """
        return build_model(args)

    @classmethod
    def build_optimizers(
        cls, args: argparse.Namespace, model: torch.nn.Module
    ) -> list[torch.optim.Optimizer]:
        """Build ESPnet's optimiser and connect the soup to its steps.

        Args:
            args: The options; `init_param` may be rewritten.
            model: The model.

        Raises:
            ValueError: If a file of `--init_param` does not fit the model, or an option names a
                parameter or a statistic that the model does not have.
        """
        if isinstance(model, MSPModel):
            check_names(args, model, check_scores(args, model))
            if args.use_adapter:  # `freeze_param: [encoder]`, as in ESPnet's recipes, freezes them
                train_adapters_alone(model)
        if not (args.collect_stats or args.dry_run or args.ignore_init_mismatch):
            expected = model.state_dict()
            args.init_param = [check_init_param(item, expected) for item in args.init_param]
        optimizers = super().build_optimizers(args, model)
        if isinstance(model, MSPModel):
            if isinstance(optimizers[0], Muon):
                check_scheduler(args.scheduler, args.scheduler_conf)
                split_matrices(optimizers[0], hidden_matrices(model, model.shared_modules))
            scale_learning_rates(args, model, optimizers[0])
            model.guard.bind(optimizers[0])
        if isinstance(model, MSPModel) and model.soup is not None:
            model.soup.bind(model, optimizers[0])
        return optimizers

    @classmethod
    def build_sequence_iter_factory(
        cls, args: argparse.Namespace, iter_options: IteratorOptions, mode: str
    ) -> AbsIterFactory:
        """Build batches that hold every language (training) or one language each (validation).

        Args:
            args: The options.
            iter_options: ESPnet's options of the set.
            mode: `train`, `valid` or `plot_att`.

        Raises:
            ValueError: If the data name no `utt2lang` or no shape file, or plots of attention would
                be named after ids that are paths.
        """
        if mode == "plot_att":
            for key in read_shapes(Path(iter_options.shape_files[0])):
                require_file_name("With `num_att_plot` an utterance id", key)
            return super().build_sequence_iter_factory(args, iter_options, mode)
        rank = torch.distributed.get_rank() if iter_options.distributed else 0
        world_size = torch.distributed.get_world_size() if iter_options.distributed else 1
        batches = build_batches(args, iter_options, mode, rank, world_size)
        factory: Any = CountedIterFactory if mode == "train" else SequenceIterFactory
        dataset = cls.build_dataset(args, iter_options)
        if mode == "train" and augments(args):
            dataset = SeededDataset(dataset, args.seed)
        return factory(
            dataset=dataset,
            batches=batches,
            seed=args.seed,
            num_iters_per_epoch=iter_options.num_iters_per_epoch,
            shuffle=iter_options.train,
            num_workers=args.num_workers,
            collate_fn=iter_options.collate_fn,
            pin_memory=args.ngpu > 0,
        )
