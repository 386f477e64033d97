"""Check the options of mini-batches before any work, and turn seconds into `batch_bins`."""

import argparse
from collections.abc import Mapping
from typing import Any

from espnet_soups.data.features import read_feature_config
from espnet_soups.settings import require_number, require_text
from espnet_soups.task.balance.batch_type import BY_BINS, NAMES, BatchType
from espnet_soups.task.balance.shares import check_language_shares
from espnet_soups.task.interpret import languages_of

DEFAULT_BINS = 1_000_000  # ESPnet's
OWN = {
    "catbel": "`language_shares`",
    "catpow": "`sampling_alpha` or `language_shares`",
    "catpow_balance_dataset": "`language_shares` and `dataset_weights`",
}


def check_balance(args: argparse.Namespace) -> None:
    """Check all options of mini-batches, and set `batch_bins`.

    Args:
        args: The options; `batch_bins` is set in place if it is None.

    Raises:
        ValueError: If an option is not valid, or two contradict each other.
    """
    batch_type_of(args, args.batch_type)
    if args.valid_batch_type is not None:
        batch_type_of(args, args.valid_batch_type)
    settle_batch_bins(args)
    for option in ("batch_bins", "batch_size", "valid_batch_bins", "valid_batch_size"):
        value = getattr(args, option)
        if value is not None and value < 1:
            raise ValueError(f"`{option}` must be 1 or more, but got {value}.")
    for option in ("language_shares", "dataset_weights"):
        for name in getattr(args, option) or {}:
            require_text(f"A name in `{option}`", name)
    if args.language_shares:
        check_language_shares(args.language_shares, languages_of(args))
    check_dataset_weights(args.dataset_weights or {})
    if args.sampling_alpha < 0:
        raise ValueError(
            f"`sampling_alpha` must be 0 or more, but got {args.sampling_alpha}: 0 divides a"
            " mini-batch evenly among languages, 1 by their utterances."
        )


def check_dataset_weights(weights: Mapping[str, float]) -> None:
    """Check the values of `dataset_weights`; their names are compared with `utt2dataset` later.

    Args:
        weights: Name of the corpus to its weight.

    Raises:
        ValueError: If a weight is not a positive number.
    """
    for name, weight in weights.items():
        require_number(f"`dataset_weights` of {name}", weight, finite=True)
        if weight <= 0:
            raise ValueError(
                f"`dataset_weights` of {name} must be above 0, but got {weight}. To train without"
                " a corpus, leave it out of the training set."
            )


def batch_type_of(args: argparse.Namespace, name: Any) -> BatchType:
    """Return the unit in which mini-batches are measured.

    Args:
        args: The options; `folded` needs their `fold_length`.
        name: ESPnet's name of the unit.

    Raises:
        ValueError: If mini-batches of several languages cannot be measured in it.
    """
    if name in OWN:
        raise ValueError(
            f"`batch_type: {name}` fills a mini-batch with whatever languages are drawn, but here"
            f" each one holds every language: take `batch_type: numel` with {OWN[name]}."
        )
    if name not in NAMES:
        raise ValueError(f"`batch_type` must be one of {', '.join(NAMES)}, but got {name!r}.")
    if name != "folded":
        return BatchType(name)
    if len(args.fold_length) != 1 or args.fold_length[0] < 1:
        raise ValueError(
            "`batch_type: folded` needs one `fold_length`, 1 or more, in frames (or samples) of"
            f" speech, such as `--fold_length 800`, but got {args.fold_length}."
        )
    return BatchType(name, args.fold_length[0])


def settle_batch_bins(args: argparse.Namespace) -> None:
    """Set `batch_bins` if it is not given: from `batch_seconds`, or to ESPnet's default.

    Args:
        args: The options; changed in place.

    Raises:
        ValueError: If both are given, or it is not known how much of `batch_bins` a second of audio
            takes.
    """
    if args.batch_seconds is None:
        args.batch_bins = DEFAULT_BINS if args.batch_bins is None else args.batch_bins
        return
    require_number("`batch_seconds`", args.batch_seconds, finite=True)
    if args.batch_bins is not None:
        raise ValueError(
            f"`batch_seconds` ({args.batch_seconds:g}) and `batch_bins` ({args.batch_bins}) both"
            " limit a mini-batch: give one of them."
        )
    if args.batch_seconds <= 0:
        raise ValueError(f"`batch_seconds` must be above 0, but got {args.batch_seconds:g}.")
    if args.batch_type not in BY_BINS:
        raise ValueError(
            f"`batch_seconds` needs `batch_type: numel` or `length`, but got {args.batch_type!r},"
            " which counts utterances: give `batch_size`."
        )
    args.batch_bins = max(1, round(args.batch_seconds * bins_per_second(args)))
    args.batch_seconds = None  # from here on, and in config.yaml, only `batch_bins` counts


def bins_per_second(args: argparse.Namespace) -> float:
    """Return how much of `batch_bins` a second of audio takes.

    Args:
        args: The options.

    Raises:
        ValueError: If `feats_conf` does not describe the features.
    """
    if not args.feats_conf:
        raise ValueError(
            "`batch_seconds` needs `feats_conf`, which says what a second of audio is, such as"
            " `type=fbank fs=16000 num_mel_bins=80 stack=4`; the recipes set it."
        )
    config = read_feature_config(args.feats_conf)
    if config.type == "raw":
        return float(config.fs)
    width = config.num_mel_bins * config.stack
    if args.input_size not in (None, width):
        raise ValueError(
            f"`input_size` is {args.input_size}, but `feats_conf` describes frames of {width}"
            f" numbers ({config.num_mel_bins} filters times {config.stack} stacked frames)."
        )
    frames = 1 / config.frame_seconds
    return frames * width if args.batch_type == "numel" else frames
