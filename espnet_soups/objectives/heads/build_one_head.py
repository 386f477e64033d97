"""Construction of the one head of all texts, and of each objective's view of it."""

import argparse

from espnet_soups.objectives.heads.build_text_heads import build_text_head, read_ctc_weight
from espnet_soups.objectives.heads.shared_head import HeadView, join_token_lists
from espnet_soups.objectives.heads.text_head import TextHead
from espnet_soups.objectives.kind import Options
from espnet_soups.objectives.objective import Objective
from espnet_soups.objectives.one_decoder import NAME, learns_by_ctc, texts_of
from espnet_soups.objectives.text_kind import TextKind


def build_one_head(args: argparse.Namespace, encoder_size: int) -> TextHead:
    """Build the head, over the joint vocabulary of all objectives that learn from texts.

    Args:
        args: The options of `msp_train`.
        encoder_size: Dimension of the encoder output.

    Returns:
        The head.

    Raises:
        ValueError: If an option is not valid.
    """
    options = vars(args)
    texts = texts_of(options)
    _check_ctc(options, texts)
    joint = join_token_lists(
        {objective.name: kind.token_list(args, objective) for kind, objective in texts},
        {objective.name: kind.prefix(objective) for kind, objective in texts},
    )
    return build_text_head(NAME, options, joint, encoder_size)


def view_of(
    head: TextHead, kind: TextKind, objective: Objective, args: argparse.Namespace
) -> HeadView:
    """Return an objective's view of the head.

    Args:
        head: The one head of all texts.
        kind: Kind of the objective.
        objective: The objective.
        args: The options of `msp_train`.
    """
    with_ctc = learns_by_ctc(kind, vars(args))
    return HeadView(head, kind.token_list(args, objective), kind.prefix(objective), with_ctc)


def _check_ctc(options: Options, texts: list[tuple[TextKind, Objective]]) -> None:
    share = read_ctc_weight(NAME, options)
    by_ctc = {objective.name: learns_by_ctc(kind, options) for kind, objective in texts}
    without = [name for name, learns in by_ctc.items() if not learns]
    if share == 1.0 and without:
        raise ValueError(
            f"`{NAME}_ctc_weight: 1.0` leaves {without} nothing to learn from, since `{NAME}_ctc:"
            f" transcripts` keeps them from CTC: lower it, or set `{NAME}_ctc: all`."
        )
    if share > 0.0 and len(without) == len(by_ctc):
        raise ValueError(
            f"`{NAME}_ctc_weight: {share}` builds a CTC that none of {without} learns by: set it to"
            f" 0, or `{NAME}_ctc: all`."
        )
