"""The stock models of each arm: task, options and labels."""

import argparse
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from espnet_soups.objectives import one_decoder
from espnet_soups.objectives.heads.shared_head import join_token_lists
from espnet_soups.objectives.objective import Objective
from espnet_soups.objectives.registry import kind_of
from espnet_soups.objectives.text_kind import TextKind
from espnet_soups.task.augmentation.options import augments
from tools.stock.prepared import Prepared

MONOLINGUAL, ONE_DECODER = ARMS = ("monolingual", "one_decoder")
NO_TIME, FIRST_TIME, LAST_TIME = "<notimestamps>", "<0.00>", "<30.00>"
S2T_TOKENS = (
    NO_TIME,
    FIRST_TIME,
    LAST_TIME,
    "<sop>",
    "<na>",
)  # of ESPnet's S2T
QUIET = {"report_cer": False, "report_wer": False}  # they need the package editdistance
SAME = (
    *("init", "input_size", "ctc_conf", "frontend", "frontend_conf", "specaug", "specaug_conf"),
    *("normalize", "preencoder", "preencoder_conf", "encoder", "encoder_conf"),
    *("optim", "optim_conf", "scheduler", "accum_grad", "grad_clip", "grad_clip_type"),
    *("exclude_weight_decay", "exclude_weight_decay_conf", "batch_type", "max_epoch"),
    *("keep_nbest_models", "num_workers", "log_interval", "train_dtype", "seed"),
)


@dataclass(frozen=True)
class StockModel:
    """One training of stock ESPnet.

    Attributes:
        name: Name of its folder.
        task: `asr`, `st` or `s2t`: ESPnet's `<task>_train` and `<task>_inference`.
        objectives: Objectives that it decodes.
        options: Options of ESPnet beside those that all models share.
        criterion: Value of the validation set that chooses epochs, and its direction.
        source: Recognition whose transcripts it learns from beside its own labels, if any.
        prompts: Tokens before the text of each objective, by name, for `s2t`.
    """

    name: str
    task: str
    objectives: tuple[Objective, ...]
    options: dict[str, Any]
    criterion: tuple[str, str]
    source: Objective | None = None
    prompts: dict[str, tuple[str, ...]] = field(default_factory=dict)


def stock_models(
    arm: str, args: argparse.Namespace, prepared: Prepared, asr_weight: float
) -> list[StockModel]:
    """Return the models of an arm.

    Args:
        arm: `monolingual` or `one_decoder`.
        args: Options of `msp_train` with the training configuration.
        prepared: The recipe.
        asr_weight: Share of the source transcripts' CTC in the loss of a translation model.

    Raises:
        ValueError: If the configuration has no counterpart in this arm.
    """
    shared = one_decoder.is_used(vars(args))
    if shared != (arm == ONE_DECODER):
        have = "one head for all texts" if shared else "a head for each objective"
        need = "shared" if arm == ONE_DECODER else "separate"
        raise ValueError(
            f"--arm {arm} needs a configuration with `text_heads: {need}`, but {args.config} makes"
            f" {have}."
        )
    if arm == ONE_DECODER:
        return [one_decoder_model(args, prepared.objectives)]
    if args.asr_heads != "separate" or args.st_heads != "separate":
        raise ValueError(
            "--arm monolingual needs `asr_heads: separate` and `st_heads: separate`, but"
            f" {args.config} has {args.asr_heads} and {args.st_heads}."
        )
    recognised = {item.language: item for item in prepared.objectives if item.kind == "asr"}
    return [
        recognition_model(item, args)
        if item.kind == "asr"
        else translation_model(item, args, recognised.get(item.language), asr_weight)
        for item in prepared.objectives
    ]


def recognition_model(objective: Objective, args: argparse.Namespace) -> StockModel:
    """Return the model of `asr_train` for a language.

    Args:
        objective: The recognition.
        args: Options of `msp_train`.
    """
    share = float(args.asr_ctc_weight)
    by_ctc = share == 1.0
    options = tokens_of(objective, args) | {
        "decoder": None if by_ctc else args.asr_decoder,
        "decoder_conf": {} if by_ctc else args.asr_decoder_conf,
        "model_conf": {"ctc_weight": share, "lsm_weight": float(args.lsm_weight), **QUIET},
    }
    criterion = ("loss", "min") if by_ctc else ("acc", "max")
    return StockModel(objective.name, "asr", (objective,), options, criterion)


def translation_model(
    objective: Objective, args: argparse.Namespace, source: Objective | None, asr_weight: float
) -> StockModel:
    """Return the model of `st_train` for a pair.

    Args:
        objective: The translation.
        args: Options of `msp_train`.
        source: Recognition of the spoken language; None: there are no transcripts.
        asr_weight: Share of the transcripts' CTC in the loss.

    Raises:
        ValueError: If the configuration has no decoder for translation.
    """
    if float(args.st_ctc_weight) == 1.0:
        raise ValueError(
            f"{args.config} has `st_ctc_weight: 1.0`, but ESPnet's ST models need a decoder."
        )
    weight = 0.0 if source is None else asr_weight
    own = tokens_of(objective, args)
    transcripts = tokens_of(source, args) if source is not None else {}
    options = own | {
        "src_token_list": transcripts.get("token_list", own["token_list"]),
        "src_token_type": transcripts.get("token_type", own["token_type"]),
        "src_bpemodel": transcripts.get("bpemodel", own["bpemodel"]),
        "decoder": args.st_decoder,
        "decoder_conf": args.st_decoder_conf,
        "model_conf": {
            **{"asr_weight": weight, "mt_weight": 0.0, "mtlalpha": 1.0},
            **{"st_mtlalpha": float(args.st_ctc_weight), "lsm_weight": float(args.lsm_weight)},
            **{"report_bleu": False, **QUIET},
        },
    }
    used = source if weight > 0.0 else None
    return StockModel(objective.name, "st", (objective,), options, ("acc", "max"), used)


def one_decoder_model(args: argparse.Namespace, objectives: Sequence[Objective]) -> StockModel:
    """Return the model of `s2t_train` for all objectives, with tokens of language and task.

    Its data are token ids, since ESPnet's preprocessor of S2T takes samples alone.

    Args:
        args: Options of `msp_train`.
        objectives: The objectives.
    """
    kinds = {item.name: text_kind(item) for item in objectives}
    prefixes = {item.name: kinds[item.name].prefix(item) for item in objectives}
    lists = {item.name: kinds[item.name].token_list(args, item) for item in objectives}
    joint = join_token_lists(lists, prefixes)
    tokens = [*joint[:-1], *S2T_TOKENS, joint[-1]]
    options = {
        "token_list": tokens,
        "token_type": "word",
        "use_preprocessor": False,
        "preprocessor_conf": {
            **{"notime_symbol": NO_TIME, "first_time_symbol": FIRST_TIME},
            **{"last_time_symbol": LAST_TIME},
        },
        "decoder": args.text_decoder,
        "decoder_conf": args.text_decoder_conf,
        "model_conf": {
            **{"ctc_weight": float(args.text_ctc_weight), "lsm_weight": float(args.lsm_weight)},
            **{"sym_sos": "<sos/eos>", "sym_eos": "<sos/eos>", **QUIET},
        },
    }
    prompts = {name: (*prefix, NO_TIME) for name, prefix in prefixes.items()}
    return StockModel(
        ONE_DECODER, "s2t", tuple(objectives), options, ("acc", "max"), prompts=prompts
    )


def tokens_of(objective: Objective, args: argparse.Namespace) -> dict[str, Any]:
    """Return ESPnet's options of the tokens of an objective.

    Args:
        objective: The objective.
        args: Options of `msp_train`.
    """
    kind, options = text_kind(objective), vars(args)
    return {
        "token_list": kind.token_list(args, objective),
        "token_type": kind.option(options, "token_type"),
        "bpemodel": kind.option(options, "bpemodel").get(kind.written(objective)),
    }


def text_kind(objective: Objective) -> TextKind:
    """Return the kind of an objective, which learns from texts.

    Args:
        objective: The objective.

    Raises:
        TypeError: If it does not.
    """
    kind = kind_of(objective)
    if not isinstance(kind, TextKind):
        raise TypeError(f"{objective.name} learns from no text.")
    return kind


def shared_options(args: argparse.Namespace, known: Collection[str]) -> dict[str, Any]:
    """Return the options that every stock training has as the configuration says.

    Args:
        args: Options of `msp_train`.
        known: Names of the options of ESPnet's task.
    """
    own = {name: getattr(args, name) for name in SAME if name in known}
    return own | {"num_att_plot": 0, "use_matplotlib": False, "use_tensorboard": False}


def refuse_own_parts(args: argparse.Namespace) -> None:
    """Refuse a configuration with parts that stock ESPnet does not have.

    Args:
        args: Options of `msp_train`.

    Raises:
        ValueError: If there is one; the message names it.
    """
    from espnet2.tasks.abs_task import optim_classes
    from espnet2.tasks.asr import encoder_choices

    encoders = sorted(encoder_choices.classes)
    if args.encoder not in encoders:
        raise ValueError(
            f"{args.config} has `encoder: {args.encoder}`, which stock ESPnet does not have; it has"
            f" {', '.join(encoders)}."
        )
    optimizers = sorted(
        name
        for name, found in optim_classes.items()
        if not found.__module__.startswith("espnet_soups.")
    )
    if args.optim not in optimizers:
        raise ValueError(
            f"{args.config} has `optim: {args.optim}`, which stock ESPnet does not have; it has"
            f" {', '.join(optimizers)}."
        )
    plain: dict[str, Any] = {"backbone_lr_scale": 1.0, "heads_lr_scale": 1.0, "use_adapter": False}
    for name, value in (plain | {"init_param": [], "freeze_param": []}).items():
        if getattr(args, name) != value:
            raise ValueError(
                f"{args.config} has `{name}: {getattr(args, name)}`, which has no counterpart in"
                " this comparison: remove it."
            )
    if augments(args):
        raise ValueError(
            f"{args.config} changes the audio while training, which stock ESPnet does otherwise:"
            " take a configuration without noise, reverberation and speeds."
        )
