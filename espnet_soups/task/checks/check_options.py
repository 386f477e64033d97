"""Check `..._conf` options before any work, so that a typing error costs a second."""

import argparse
import importlib.util
import inspect
from collections.abc import Iterator, Mapping
from typing import Any

from espnet2.tasks.abs_task import optim_classes, scheduler_classes
from espnet2.train.class_choices import ClassChoices

from espnet_soups.backbone.choices import decoder_choices
from espnet_soups.settings import refuse_unknown
from espnet_soups.task.balance.check_balance import check_balance
from espnet_soups.task.options import CLASS_CHOICES
from espnet_soups.task.training.find_trainer import find_trainer
from espnet_soups.task.training.msp_trainer import MSPTrainer

# Values for which the sampler of many languages is used; None: as in training.
ITERATORS = {"iterator_type": ("sequence",), "valid_iterator_type": ("sequence", None)}

# Optional packages that ESPnet imports if an option is true.
PACKAGES = {
    "use_tensorboard": "tensorboard",
    "use_wandb": "wandb",
    "sharded_ddp": "fairscale",
    "use_deepspeed": "deepspeed",
}

REQUIRED = ("encoder", "frontend", "optim")  # `null` is not valid


def check_options(args: argparse.Namespace) -> None:
    """Check every class that the options name, and the names of its own options.

    Args:
        args: The options; names of classes become lower case in place.

    Raises:
        ValueError: If a class or one of its options does not exist (the message lists the valid
            ones), static weights meet a soup, which would ignore them, or batches are to be built
            in another way than ours.
    """
    for option, built in ITERATORS.items():
        if getattr(args, option) not in built:
            raise ValueError(
                f"`{option}` must be `{built[0]}`, but got {getattr(args, option)!r}: each"
                " mini-batch holds every language, whatever `batch_type` it has."
            )
    check_balance(args)
    if args.static_weights and issubclass(find_trainer(args.trainer), MSPTrainer):
        raise ValueError(
            f"`static_weights` {args.static_weights} are for `trainer: default`; with `trainer:"
            f" {args.trainer}` fix weights by `combiner: static` and `combiner_conf: {{weights:"
            " ...}` of `trainer_conf`."
        )
    if args.write_collected_feats:
        raise ValueError(
            "`write_collected_feats` must be false, but got true: ESPnet names a file after each"
            " utterance id, and ids may be paths; stage 3 writes features."
        )
    check_packages(args)
    check_lists(args)
    check_intervals(args)
    for option, name, classes in _named_classes(args):
        if name is None and option not in REQUIRED:
            continue
        if not isinstance(name, str) or name.lower() not in classes:
            raise ValueError(f"`{option}` must be one of {sorted(classes)}, but got {name!r}.")
        setattr(args, option, name.lower())
        conf = getattr(args, f"{option}_conf") or {}
        if not isinstance(conf, dict):
            raise ValueError(f"`{option}_conf` must be a mapping, but got {conf!r}.")
        valid = _option_names(classes[name.lower()])
        if valid:
            refuse_unknown(f"`{option}_conf` of {name}", conf, sorted(valid))


def check_lists(args: argparse.Namespace) -> None:
    """Refuse a text where a list is needed: ESPnet would take its letters for the items.

    Args:
        args: The options.

    Raises:
        ValueError: If an option is not a list.
    """
    for option in ("init_param", "freeze_param"):
        given = getattr(args, option)
        if not isinstance(given, list | tuple):
            raise ValueError(f"`{option}` must be a list, such as `[{given}]`, but got {given!r}.")


def check_intervals(args: argparse.Namespace) -> None:
    """Refuse negative intervals of checkpoints inside an epoch.

    Args:
        args: The options.

    Raises:
        ValueError: If an interval is below 0.
    """
    for option in ("save_interval_minutes", "save_interval_steps"):
        if getattr(args, option) < 0:
            raise ValueError(
                f"`{option}` must be 0 (never) or more, but got {getattr(args, option)}."
            )


def check_packages(args: argparse.Namespace) -> None:
    """Refuse options that need a package which is not installed.

    Args:
        args: The options.

    Raises:
        ValueError: If a package is missing; ESPnet would say so only after the model is built, or
            never.
    """
    needed = {f"`{name}: true`": PACKAGES[name] for name in PACKAGES if getattr(args, name)}
    for option, package in needed.items():
        spec = importlib.util.find_spec(package)
        if spec is None or spec.origin is None:  # a folder of that name, such as wandb's logs
            raise ValueError(
                f"{option} needs the package {package}, which is not installed: pip install"
                f" {package}, or leave the option out."
            )
    if args.use_wandb:
        check_wandb()


def check_wandb() -> None:
    """Refuse wandb without a key: ESPnet would train without it, and tell only the log.

    Raises:
        ValueError: If wandb is to send to its server, and knows no key.
    """
    import wandb

    if wandb.setup().settings.mode == "online" and not wandb.login(prompt=False):
        raise ValueError(
            "`use_wandb: true` needs a key, but wandb knows none: run `wandb login`, or set"
            " WANDB_MODE=offline to keep the run on this machine for `wandb sync`."
        )


def _named_classes(
    args: argparse.Namespace,
) -> Iterator[tuple[str, Any, Mapping[str, type]]]:
    choices: ClassChoices
    for choices in CLASS_CHOICES:
        if choices.name == "frontend" and args.input_size is not None:
            continue  # features are read from disk
        yield choices.name, getattr(args, choices.name), choices.classes
    # it is checked even if no objective needs a decoder
    for option in sorted(name for name in vars(args) if name.endswith("_decoder")):
        yield option, getattr(args, option), decoder_choices.classes
    yield "optim", args.optim, optim_classes
    yield "scheduler", args.scheduler, scheduler_classes


def _option_names(kind: type) -> list[str]:
    """Return the parameter names of a constructor; empty if it accepts any."""
    parameters = list(inspect.signature(kind).parameters.values())
    if any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters):
        return []
    given = {"optimizer", "params", "vocab_size", "encoder_output_size"}
    return [parameter.name for parameter in parameters if parameter.name not in given]
