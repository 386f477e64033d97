"""Check the options of adapters before any work."""

import argparse
import importlib.util

from espnet_soups.backbone.adapters import read_adapter_conf

ADAPTER, WHOLE = "lora", "all"


def check_adapter(args: argparse.Namespace) -> None:
    """Refuse adapters that cannot be trained, saved or decoded.

    Args:
        args: The options `use_adapter`, `adapter`, `adapter_conf` and `save_strategy`.

    Raises:
        ValueError: If an option is not valid, or loralib is missing.
    """
    if not args.use_adapter:
        if args.adapter_conf:
            raise ValueError(
                f"`adapter_conf` is {args.adapter_conf}, but `use_adapter` is false, so that it"
                " would be ignored: set `use_adapter: true`, or leave it out."
            )
        return
    if args.adapter != ADAPTER:
        raise ValueError(
            f"`adapter` must be `{ADAPTER}`, but got {args.adapter!r}; `houlsby` of ESPnet is for"
            " the frontends of S3PRL alone."
        )
    if args.save_strategy != WHOLE:
        raise ValueError(
            f"`save_strategy` must be `{WHOLE}`, but got {args.save_strategy!r}: resuming,"
            " averaging and decoding need the whole model, and heads learn beside the adapters."
        )
    if importlib.util.find_spec("loralib") is None:
        raise ValueError(
            "`use_adapter: true` needs the package loralib, which is not installed: pip install"
            " 'espnet-soups[lora]', or leave the option out."
        )
    read_adapter_conf(args.adapter_conf)


def check_trained_encoder(args: argparse.Namespace) -> None:
    """Refuse adapters on an encoder of random weights, which would rest as they are.

    Args:
        args: The options of a training.

    Raises:
        ValueError: If nothing says where trained weights are.
    """
    if args.use_adapter and not args.init_param and args.encoder_conf.get("model") is None:
        raise ValueError(
            "`use_adapter: true` lets the encoder's own weights rest, but they would be random: set"
            " `model` of `encoder_conf`, or `init_param` to a trained model."
        )
