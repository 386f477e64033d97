"""From options to a model: front end, encoder, heads and soup put together."""

import argparse
from collections.abc import Mapping
from typing import Any

from espnet2.torch_utils.initialize import initialize

from espnet_soups.backbone.settings import keep_architectures
from espnet_soups.soup.build import build_soup
from espnet_soups.objectives.heads.text_head import Head
from espnet_soups.network.msp_model import MSPModel
from espnet_soups.objectives.heads.shared_head import HeadView
from espnet_soups.soup.config import read_soup_config
from espnet_soups.objectives.self_supervision.ssl_head import SSLHead
from espnet_soups.objectives.heads.build_class import build_class
from espnet_soups.objectives.heads.build_heads import build_heads
from espnet_soups.task.interpret import (
    expand_static_weights,
    inline_token_lists,
    languages_of,
    objectives_of,
)
from espnet_soups.task.options import CLASS_CHOICES
from espnet_soups.objectives.self_supervision.build_head import build_ssl_head
from espnet_soups.task.training.msp_trainer import MSPTrainer
from espnet_soups.task.training.find_trainer import find_trainer

CHOICES = {choices.name: choices for choices in CLASS_CHOICES}


def build_model(args: argparse.Namespace) -> MSPModel:
    """Builds the model, and the soup where the trainer wants one.

    Args:
        args: All options; token lists that are files are read into them, for `config.yaml`.

    Raises:
        ValueError: If an option is not valid.
    """
    inline_token_lists(args)
    keep_architectures(args)
    objectives = objectives_of(args)
    if args.input_size is None:
        frontend = _build("frontend", args.frontend, args.frontend_conf)
        feature_size = frontend.output_size()
    else:
        args.frontend, args.frontend_conf = None, {}
        frontend, feature_size = None, args.input_size
    preencoder = _build("preencoder", args.preencoder, args.preencoder_conf)
    input_size = feature_size if preencoder is None else preencoder.output_size()
    encoder = _build("encoder", args.encoder, args.encoder_conf, input_size=input_size)
    separate, shared_heads = build_heads(args, objectives, encoder.output_size())
    heads: dict[str, Head | HeadView | SSLHead] = {**separate}
    ssl_head = build_ssl_head(args, preencoder, encoder, feature_size)
    if ssl_head is not None:
        heads["ssl"] = ssl_head
    model = MSPModel(
        objectives,
        languages_of(args),
        frontend,
        _build("specaug", args.specaug, args.specaug_conf),
        _build("normalize", args.normalize, args.normalize_conf),
        preencoder,
        encoder,
        heads,
        shared_heads,
        args.encoding,
        expand_static_weights(args.static_weights, objectives),
    )
    if issubclass(find_trainer(args.trainer), MSPTrainer):
        config = read_soup_config(args.trainer_conf)
        model.soup = build_soup(config, objectives, model.shared_modules)
    if args.init is not None:
        initialize(model, args.init)
    return model


def _build(option: str, name: str | None, options: Mapping[str, Any], **given: Any) -> Any:
    """Builds what an option names; None where it names nothing."""
    kind = CHOICES[option].get_class(name)
    return None if kind is None else build_class(option, kind, options, **given)
