"""The options that a multi-objective task adds to ESPnet's, each defined once."""

import argparse
from typing import NoReturn

from espnet2.tasks.asr import normalize_choices, preencoder_choices, specaug_choices
from espnet2.utils import config_argparse
from espnet2.utils.nested_dict_action import NestedDictAction
from espnet2.utils.types import int_or_none, str_or_none

from espnet_soups.backbone.choices import encoder_choices, frontend_choices

CLASS_CHOICES = (
    frontend_choices,
    specaug_choices,
    normalize_choices,
    preencoder_choices,
    encoder_choices,
)


class OptionParser(config_argparse.ArgumentParser):
    """ESPnet's parser; what it refuses becomes one sentence without 300 lines of usage."""

    def error(self, message: str) -> NoReturn:
        """Refuses the options.

        Raises:
            ValueError: Always.
        """
        raise ValueError(f"{message}. `--help` and `--help-espnet` list what is valid.")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of the task to ESPnet's parser."""
    group = parser.add_argument_group("Objectives")
    for task, owner in (("asr", "language"), ("st", "target language")):
        group.add_argument(
            f"--{task}_token_list",
            action=NestedDictAction,
            default={},
            help=f"Token list of each {owner}: fr=path, or a list in the YAML",
        )
        group.add_argument(
            f"--{task}_bpemodel",
            action=NestedDictAction,
            default={},
            help=f"Sentencepiece model of each {owner}: fr=path",
        )
        group.add_argument(f"--{task}_token_type", default="char", choices=["char", "bpe"])
    group.add_argument(
        "--st_pairs", nargs="*", default=[], help="Pairs to translate: fr_en es_en ..."
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

    group = parser.add_argument_group("Heads")
    for task, default in (("asr", 1.0), ("st", 0.0)):
        group.add_argument(
            f"--{task}_heads",
            default="separate",
            help="separate (one head per objective) or shared (one per task, language tokens)",
        )
        group.add_argument(
            f"--{task}_ctc_weight", type=float, default=default, help="Share of CTC, 0 to 1"
        )
        group.add_argument(f"--{task}_decoder", type=str_or_none, default="transformer")
        group.add_argument(f"--{task}_decoder_conf", action=NestedDictAction, default={})
    group.add_argument("--ctc_conf", action=NestedDictAction, default={})
    group.add_argument("--lsm_weight", type=float, default=0.1, help="Label smoothing")

    group = parser.add_argument_group("Self-supervision")
    group.add_argument(
        "--ssl", default="none", help="Objective `ssl` on audio alone: none, cpc or best_rq"
    )
    group.add_argument(
        "--ssl_conf",
        action=NestedDictAction,
        default={},
        help="Its settings: context_frames=240 future_frames=120 ... or mask_frames=40 ...",
    )
    group.add_argument(
        "--ssl_languages",
        nargs="*",
        default=[],
        help="Languages in utt2lang that no labelled objective speaks: audio for `ssl` alone",
    )

    group = parser.add_argument_group("Learning rates and selection")
    for part in ("backbone", "heads"):
        group.add_argument(
            f"--{part}_lr_scale",
            type=float,
            default=1.0,
            help=f"What the learning rate of the {part} is multiplied with",
        )
    group.add_argument(
        "--delta_reference",
        type=str_or_none,
        default=None,
        help="soup.jsonl of the run that `delta`, the mean relative improvement of all objectives,"
        " refers to; null: the first epoch of this run",
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
        " or auto: what suits the mini-batch",
    )
    group.add_argument(
        "--sampling_alpha",
        type=float,
        default=0.0,
        help="Share of a language in each mini-batch ~ (its utterances)^alpha",
    )
    for choices in CLASS_CHOICES:
        choices.add_arguments(parser)
