"""Build a model from options: front end, encoder, heads and soup."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from espnet2.torch_utils.initialize import initialize
from torch.nn import Module

from espnet_soups.backbone.adapters import add_adapters
from espnet_soups.backbone.cpu.replace import use_cpu_layers
from espnet_soups.backbone.settings import keep_architectures
from espnet_soups.network.msp_model import MSPModel
from espnet_soups.objectives.contract import check_returned
from espnet_soups.objectives.heads.build_class import build_class
from espnet_soups.objectives.heads.head import FEATURES, READS, Head
from espnet_soups.objectives.kind import Heads, Kind, Parts
from espnet_soups.objectives.objective import Objective
from espnet_soups.objectives.registry import by_kind, order_letters
from espnet_soups.soup.build import build_soup
from espnet_soups.soup.config import read_soup_config
from espnet_soups.task.checks.check_combiners import check_combiners
from espnet_soups.task.interpret import (
    expand_static_weights,
    inline_vocabularies,
    languages_of,
    objectives_of,
)
from espnet_soups.task.options import CLASS_CHOICES
from espnet_soups.task.training.find_trainer import find_trainer
from espnet_soups.task.training.msp_trainer import MSPTrainer

CHOICES = {choices.name: choices for choices in CLASS_CHOICES}


def build_model(args: argparse.Namespace) -> MSPModel:
    """Build the model, and the soup if the trainer needs one.

    Args:
        args: All options; vocabularies in files are read into them, for `config.yaml`, and so are
            the names of the layers with adapters.

    Raises:
        ValueError: If an option is not valid.
    """
    inline_vocabularies(args)
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
    normalize = _build("normalize", args.normalize, args.normalize_conf)
    parts = Parts(feature_size, encoder.output_size(), encoder, preencoder, normalize)
    heads = build_heads(objectives, args, parts)
    model = MSPModel(
        objectives,
        languages_of(args),
        frontend,
        _build("specaug", args.specaug, args.specaug_conf),
        normalize,
        preencoder,
        encoder,
        heads.own,
        heads.shared,
        args.encoding,
        expand_static_weights(args.static_weights, objectives),
    )
    if issubclass(find_trainer(args.trainer), MSPTrainer):
        config = read_soup_config(args.trainer_conf)
        model.soup = build_soup(config, objectives, model.shared_modules, order_letters(vars(args)))
        check_combiners(config.combiner, heads.own)
    if args.init is not None:
        initialize(model, args.init)
    if getattr(args, "use_adapter", False):
        args.adapter_conf = add_adapters(model, args.adapter_conf)
    use_cpu_layers(model)
    return model


def build_heads(objectives: Sequence[Objective], args: argparse.Namespace, parts: Parts) -> Heads:
    """Build the heads of all objectives; each kind builds its own.

    Args:
        objectives: The objectives of the model.
        args: All options.
        parts: The parts of the model that heads depend on.

    Raises:
        ValueError: If an option is not valid, or a kind does not return all its heads.
    """
    own: dict[str, Head] = {}
    shared: dict[str, Module] = {}
    for kind, members in by_kind(objectives).items():
        built = kind.build_heads(members, args, replace(parts, shared=dict(shared)))
        check_returned("build_heads", kind, built, Heads, "the heads by name")
        missing = [member.name for member in members if member.name not in built.own]
        if missing:
            raise ValueError(
                f"`build_heads` of {type(kind).__name__} must return a head for each of its"
                f" objectives, but {missing} have none."
            )
        for member in members:
            check_head(member, kind, built.own[member.name])
        own |= built.own
        shared |= built.shared
    return Heads(own, shared)


def check_head(objective: Objective, kind: Kind, head: Head) -> None:
    """Refuse a head that does not fit its objective.

    Args:
        objective: The objective.
        kind: Its kind.
        head: The head that the kind built.

    Raises:
        ValueError: If it is not a head, reads what does not exist, or its label does not fit what
            it reads.
    """
    name = type(check_returned("build_heads", kind, head, Head, "heads")).__name__
    if hasattr(torch.nn.ModuleDict(), objective.name):
        raise ValueError(
            f"An objective cannot be named {objective.name!r}: PyTorch's modules have an attribute"
            " of that name."
        )
    if head.reads not in READS:
        raise ValueError(f"`reads` of {name} must be one of {list(READS)}, but is {head.reads!r}.")
    if (head.reads == FEATURES) == bool(objective.label):
        wanted = "no `label`" if objective.label else "a `label`"
        raise ValueError(
            f"The head {name} reads {head.reads!r}, so that its objective {objective.name} must"
            f" have {wanted}: heads that read features learn from audio alone."
        )


def _build(option: str, name: str | None, options: Mapping[str, Any], **given: Any) -> Any:
    """Build what an option names; return None if it names nothing."""
    kind = CHOICES[option].get_class(name)
    return None if kind is None else build_class(option, kind, options, **given)
