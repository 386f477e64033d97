"""Builds the heads of all objectives from the options of a task."""

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

from espnet2.asr.ctc import CTC

from espnet_soups.backbone.choices import decoder_choices
from espnet_soups.objectives.heads.text_head import Head
from espnet_soups.objectives.heads.shared_head import HeadView, join_token_lists
from espnet_soups.objectives.objective import Objective
from espnet_soups.settings import require_number
from espnet_soups.objectives.heads.build_class import build_class

HEAD_KINDS = ("separate", "shared")


def build_heads(
    args: argparse.Namespace,
    objectives: Sequence[Objective],
    encoder_size: int,
) -> tuple[dict[str, Head | HeadView], dict[str, Head]]:
    """Builds one head per objective, or one per task with views of it.

    Args:
        args: The options; `asr_token_list` and `st_token_list` hold lists by language.
        objectives: The objectives.
        encoder_size: Dimension of the encoder output.

    Returns:
        (the head of each objective by name, the shared heads by task).

    Raises:
        ValueError: If an option is not valid.
    """
    heads: dict[str, Head | HeadView] = {}
    shared: dict[str, Head] = {}
    for task in ("asr", "st"):
        members = [objective for objective in objectives if objective.task == task]
        kind = getattr(args, f"{task}_heads")
        if kind not in HEAD_KINDS:
            raise ValueError(f"`{task}_heads` must be one of {list(HEAD_KINDS)}, but got {kind!r}.")
        if kind == "separate":
            for member in members:
                heads[member.name] = _build_head(
                    args, task, token_list_of(args, member), encoder_size
                )
        elif members:
            lists = {member.language: token_list_of(args, member) for member in members}
            if len(lists) != len(members):
                raise ValueError(
                    f"`{task}_heads: shared` tells objectives apart by the language that is spoken,"
                    f" but two of {[member.name for member in members]} speak the same."
                )
            shared[task] = _build_head(args, task, join_token_lists(lists), encoder_size)
            for member in members:
                heads[member.name] = HeadView(
                    shared[task], token_list_of(args, member), member.language
                )
    return heads, shared


def token_list_of(args: argparse.Namespace, objective: Objective) -> list[str]:
    """Gives the token list that the labels of an objective are written in.

    Raises:
        ValueError: If there is none for its language.
    """
    lists: Mapping[str, list[str]]
    if objective.target is None:
        lists, language, option = args.asr_token_list, objective.language, "asr_token_list"
    else:
        lists, language, option = args.st_token_list, objective.target, "st_token_list"
    if language not in lists:
        raise ValueError(
            f"`{option}` has no list for {language}, which {objective.name} needs; it has"
            f" {sorted(lists)}."
        )
    return list(lists[language])


def _build_head(
    args: argparse.Namespace, task: str, token_list: Sequence[str], encoder_size: int
) -> Head:
    require_number(f"`{task}_ctc_weight`", getattr(args, f"{task}_ctc_weight"))
    ctc_weight = float(getattr(args, f"{task}_ctc_weight"))
    if not 0.0 <= ctc_weight <= 1.0:
        raise ValueError(f"`{task}_ctc_weight` must lie in [0, 1], but got {ctc_weight}.")
    ctc = decoder = None
    if ctc_weight > 0.0:
        sizes = {"odim": len(token_list), "encoder_output_size": encoder_size}
        ctc = build_class("ctc", CTC, args.ctc_conf, **sizes)
    if ctc_weight < 1.0:
        options: Mapping[str, Any] = getattr(args, f"{task}_decoder_conf")
        decoder_class = decoder_choices.get_class(getattr(args, f"{task}_decoder"))
        if decoder_class is None:
            raise ValueError(
                f"`{task}_ctc_weight: {ctc_weight}` needs `{task}_decoder`; there are"
                f" {list(decoder_choices.classes)}."
            )
        sizes = {"vocab_size": len(token_list), "encoder_output_size": encoder_size}
        decoder = build_class(f"{task}_decoder", decoder_class, options, **sizes)
    return Head(token_list, ctc, decoder, ctc_weight, float(args.lsm_weight))
