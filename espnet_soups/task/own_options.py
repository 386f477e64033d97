"""Define the options that a multi-objective task adds to ESPnet's; nothing here imports torch."""

import argparse

from espnet2.utils.nested_dict_action import NestedDictAction
from espnet2.utils.types import float_or_none, int_or_none, str2bool, str_or_none

from espnet_soups.objectives.registry import KINDS
from espnet_soups.task.augmentation.options import add_augmentation_options


def add_own_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that do not belong to a class of ESPnet's.

    Args:
        parser: The parser.
    """
    group = parser.add_argument_group("Objectives")
    for kind in KINDS:
        kind.add_options(group)  # type: ignore[arg-type]
    group.add_argument(
        "--objectives",
        action=NestedDictAction,
        default={},
        help="Objectives of other kinds and of your own, by name: {cls_gender: {}, emotion: {kind:"
        " module:Class}}; see docs/own_objective.md",
    )
    group.add_argument(
        "--languages",
        nargs="*",
        default=[],
        help="Further languages of utt2lang, used by objectives of all languages alone",
    )
    group.add_argument("--input_size", type=int_or_none, default=None, help="Feature dimension")
    group.add_argument(
        "--feats_conf",
        action=NestedDictAction,
        default={},
        help="How the features on disk were made, kept in config.yaml for decoding from audio:"
        " type=fbank fs=8000 num_mel_bins=40 stack=4, or type=raw fs=8000",
    )
    group.add_argument(
        "--init",
        type=lambda value: str_or_none(value.lower()),
        default=None,
        help="How parameters are initialised: chainer, xavier_uniform, ...; null: by each module",
    )

    add_augmentation_options(parser)
    group.add_argument("--ctc_conf", action=NestedDictAction, default={})
    group.add_argument("--lsm_weight", type=float, default=0.1, help="Label smoothing")

    parser.add_argument_group("Several processes").add_argument(
        "--dist_timeout",
        type=float,
        default=600.0,
        help="Seconds that a rank waits for another one before training ends with an error;"
        " at least as long as the slowest step, validation or checkpoint",
    )

    group = parser.add_argument_group("Learning rates and selection")
    for part in ("backbone", "heads"):
        group.add_argument(
            f"--{part}_lr_scale",
            type=float,
            default=1.0,
            help=f"Factor on the learning rate of the {part}",
        )
    group.add_argument(
        "--delta_reference",
        type=str_or_none,
        default=None,
        help="soup.jsonl of the run that `delta`, the mean relative improvement of all objectives,"
        " refers to; null: the first epoch of this run",
    )

    group.add_argument(
        "--scores_conf",
        action=NestedDictAction,
        default={},
        help="Scores of part of the validation set while training, such as `wer` and `bleu`:"
        " utterances=20 (of each objective; 0, the default: none), every=1 (epochs), examples=3,"
        " and options of decoding and scoring; docs/scores_while_training.md",
    )

    group = parser.add_argument_group("Machine")
    group.add_argument(
        "--adapt_threads",
        type=str2bool,
        default=False,
        help="On CPUs, use as many threads as there are free cores at the beginning of an epoch, at"
        " most OMP_NUM_THREADS; results then depend on other work in their last bits",
    )

    group = parser.add_argument_group("Checkpoints inside an epoch")
    group.add_argument(
        "--save_interval_minutes",
        type=float,
        default=30.0,
        help="Minutes from one to the next; 0: none by time. SIGTERM and SIGUSR1 save one and stop",
    )
    group.add_argument(
        "--save_interval_steps",
        type=int,
        default=0,
        help="Optimiser steps from one to the next; 0: none by steps",
    )

    group = parser.add_argument_group("Soup")
    group.add_argument(
        "--trainer",
        default="default",
        help="default (ESPnet's trainer, static weights), msp (levels, penalties, dynamic"
        " weights), or module:Class",
    )
    group.add_argument(
        "--trainer_conf",
        action=NestedDictAction,
        default={},
        help="Settings of the soup: soup=vm order=USA combiner=modo ...",
    )
    group.add_argument(
        "--static_weights",
        action=NestedDictAction,
        default={},
        help="For `trainer: default`: globs over objective names to weights, e.g. st_*=0.5",
    )
    group.add_argument(
        "--encoding",
        default="auto",
        help="per_language (cheaper where gradients are measured), pooled (all languages at once),"
        " or auto: the one that suits the mini-batch",
    )

    group = parser.add_argument_group("Mini-batches")
    group.add_argument(
        "--sampling_alpha",
        type=float,
        default=0.0,
        help="Share of a language in each mini-batch ~ (its utterances)^alpha; docs/balance.md",
    )
    group.add_argument(
        "--language_shares",
        action=NestedDictAction,
        default={},
        help="Share of some languages or of all in each mini-batch: {fr: 0.5, it: 0.25}; the rest"
        " is divided by sampling_alpha",
    )
    group.add_argument(
        "--dataset_weights",
        action=NestedDictAction,
        default={},
        help="How often an utterance of a corpus of utt2dataset occurs, compared to weight 1 in"
        " its language: {common_voice: 0.5}",
    )
    group.add_argument(
        "--batch_seconds",
        type=float_or_none,
        default=None,
        help="Seconds of audio in a mini-batch, padding included, in place of batch_bins",
    )
