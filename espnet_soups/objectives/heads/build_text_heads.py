"""Construction of the heads of objectives whose labels are texts."""

from collections.abc import Mapping, Sequence
from typing import Any

from espnet2.asr.ctc import CTC

from espnet_soups.backbone.choices import decoder_choices
from espnet_soups.objectives.heads.build_class import build_class
from espnet_soups.objectives.heads.head import Head
from espnet_soups.objectives.heads.shared_head import HeadView, join_token_lists
from espnet_soups.objectives.heads.text_head import TextHead
from espnet_soups.objectives.kind import Heads, Options
from espnet_soups.objectives.objective import Objective
from espnet_soups.objectives.text_prefix import language_token
from espnet_soups.settings import require_number

HEAD_KINDS = ("separate", "shared")


def build_text_heads(
    kind: str,
    options: Options,
    objectives: Sequence[Objective],
    token_lists: Mapping[str, Sequence[str]],
    encoder_size: int,
) -> Heads:
    """Build one head per objective, or one for all of a kind with views of it.

    Args:
        kind: Name of the kind, with which its options begin.
        options: The options of `msp_train`.
        objectives: The objectives of the kind.
        token_lists: Tokens of the labels of each objective, by name.
        encoder_size: Dimension of the encoder output.

    Returns:
        The heads, and the module that they share, if any.

    Raises:
        ValueError: If an option is not valid.
    """
    how = options[f"{kind}_heads"]
    if how not in HEAD_KINDS:
        raise ValueError(f"`{kind}_heads` must be one of {list(HEAD_KINDS)}, but got {how!r}.")
    if how == "separate":
        return Heads(
            {
                member.name: build_text_head(kind, options, token_lists[member.name], encoder_size)
                for member in objectives
            }
        )
    if len({member.language for member in objectives}) != len(objectives):
        raise ValueError(
            f"`{kind}_heads: shared` tells objectives apart by the language that is spoken,"
            f" but two of {[member.name for member in objectives]} speak the same."
        )
    prefixes = {member.name: (language_token(member.language),) for member in objectives}
    joint = join_token_lists(token_lists, prefixes)
    shared = build_text_head(kind, options, joint, encoder_size)
    own: dict[str, Head] = {
        name: HeadView(shared, token_lists[name], prefix) for name, prefix in prefixes.items()
    }
    return Heads(own, {kind: shared})


def build_text_head(
    owner: str, options: Options, token_list: Sequence[str], encoder_size: int
) -> TextHead:
    """Build a head of texts.

    Args:
        owner: Prefix of its options, such as `asr`.
        options: The options of `msp_train`.
        token_list: Its tokens.
        encoder_size: Dimension of the encoder output.

    Returns:
        The head.

    Raises:
        ValueError: If an option is not valid.
    """
    ctc_weight = read_ctc_weight(owner, options)
    ctc = decoder = None
    if ctc_weight > 0.0:
        sizes: dict[str, Any] = {"odim": len(token_list), "encoder_output_size": encoder_size}
        ctc = build_class("ctc", CTC, options["ctc_conf"], **sizes)
    if ctc_weight < 1.0:
        decoder_class = decoder_choices.get_class(options[f"{owner}_decoder"])
        if decoder_class is None:
            raise ValueError(
                f"`{owner}_ctc_weight: {ctc_weight}` needs `{owner}_decoder`; there are"
                f" {list(decoder_choices.classes)}."
            )
        sizes = {"vocab_size": len(token_list), "encoder_output_size": encoder_size}
        conf = options[f"{owner}_decoder_conf"]
        decoder = build_class(f"{owner}_decoder", decoder_class, conf, **sizes)
    return TextHead(token_list, ctc, decoder, ctc_weight, float(options["lsm_weight"]))


def read_ctc_weight(owner: str, options: Options) -> float:
    """Return the share of CTC in the loss of a head, in [0, 1].

    Args:
        owner: Prefix of its options, such as `asr`.
        options: The options of `msp_train`.

    Raises:
        ValueError: If it is no number from 0 to 1.
    """
    share = options[f"{owner}_ctc_weight"]
    require_number(f"`{owner}_ctc_weight`", share)
    if not 0.0 <= float(share) <= 1.0:
        raise ValueError(f"`{owner}_ctc_weight` must lie in [0, 1], but got {float(share)}.")
    return float(share)
