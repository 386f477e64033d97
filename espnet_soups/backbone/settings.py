"""Options of a run about its backbone: checks, and the architecture for `config.yaml`."""

import argparse
from collections.abc import Iterator, Mapping
from typing import Any

from espnet_soups.backbone.choices import DECODERS, ENCODERS, FRONTENDS
from espnet_soups.backbone.waveform import check_rate


def check_backbone(args: argparse.Namespace) -> None:
    """Check that frontend, features and sampling rate are those that the encoder needs.

    Args:
        args: Options of the training.

    Raises:
        ValueError: If they are not; the message names the setting to change.
    """
    name = args.encoder
    needed = ENCODERS[name].needs_frontend if name in ENCODERS else None
    if needed is None:
        if args.input_size is None and args.frontend == "waveform":
            raise ValueError(
                f"`frontend: waveform` gives samples, but `encoder: {name}` reads features: use"
                " `frontend: default`."
            )
        return
    if args.input_size is not None:
        raise ValueError(
            f"`encoder: {name}` reads samples at 16 kHz, but gets features of dimension"
            f" {args.input_size} from disk: run the recipe with `--feats_type raw`, and set"
            f" `frontend: {needed}`."
        )
    if args.frontend != needed:
        raise ValueError(
            f"`encoder: {name}` needs `frontend: {needed}`, but got `frontend: {args.frontend}`."
        )
    if "fs" in args.feats_conf:
        check_rate(needed, int(args.feats_conf["fs"]))
    unfit = ["normalize", "preencoder"] + ["specaug"] * (needed == "waveform")
    for option in unfit:
        if getattr(args, option) is not None:
            raise ValueError(
                f"`encoder: {name}` was trained on its input as it is: set `{option}: null`, but"
                f" got `{option}: {getattr(args, option)}`."
            )
    if args.init is not None and args.encoder_conf.get("model") is not None:
        raise ValueError(
            f"`init: {args.init}` would overwrite the weights of {args.encoder_conf['model']}: set"
            " `init: null`."
        )


def keep_architectures(args: argparse.Namespace) -> None:
    """Write the architecture of each `model` into the options, so that `config.yaml` needs no hub.

    Args:
        args: Options of the training; changed in place.

    Raises:
        ValueError: If a model cannot be loaded.
    """
    for option, kind in _ours(args):
        setattr(args, f"{option}_conf", kind.portable(getattr(args, f"{option}_conf")))


def without_hub(args: argparse.Namespace) -> None:
    """Remove `model` from options that have an architecture: the model file holds the weights.

    Args:
        args: Options from a `config.yaml`; changed in place.
    """
    for option, _ in _ours(args):
        conf = dict(getattr(args, f"{option}_conf"))
        if conf.get("architecture"):
            conf.pop("model", None)
            setattr(args, f"{option}_conf", conf)


def check_exportable(args: argparse.Namespace) -> None:
    """Refuse models with a part for which stock ESPnet has no class.

    Args:
        args: Options of the training.

    Raises:
        ValueError: If a part of the model is one of ours.
    """
    parts = [(option, getattr(args, option)) for option, _ in _ours(args)]
    if args.input_size is None and args.frontend in FRONTENDS:
        parts.append(("frontend", args.frontend))
    if parts:
        option, name = parts[0]
        raise ValueError(
            f"`{option}: {name}` is a class of espnet-soups, so no stock ESPnet model can be made"
            " of it: decode with `espnet_soups.Speech2Text` or stage 11."
        )


def _ours(args: argparse.Namespace) -> Iterator[tuple[str, Any]]:
    """Yield the options that name one of our classes, and the classes."""
    decoders = sorted(name for name in vars(args) if name.endswith("_decoder"))
    ours: list[tuple[str, Mapping[str, Any]]] = [("encoder", ENCODERS)]
    for option, classes in [*ours, *((name, DECODERS) for name in decoders)]:
        kind = classes.get(getattr(args, option, None) or "")
        if kind is not None:
            yield option, kind
