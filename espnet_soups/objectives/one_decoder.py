"""`text_heads: shared`: one head for the texts of all kinds and languages.

Its options are those of a kind of texts, named `text_…`; the tokens of the prefix give the spoken
language and the text to write, as in OWSM.
"""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from espnet_soups.objectives.kind import Options
from espnet_soups.objectives.objective import Objective

if TYPE_CHECKING:
    from espnet_soups.objectives.text_kind import TextKind

NAME = "text"  # name of the head among the shared ones, and prefix of its options
HOW = ("separate", "shared")
CTC_OF = ("transcripts", "all")
DEFAULTS = {"ctc": "transcripts", "ctc_weight": 0.3, "decoder": "transformer", "decoder_conf": {}}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the head to `msp_train`.

    Args:
        parser: The parser of `msp_train`.
    """
    from espnet2.utils.nested_dict_action import NestedDictAction
    from espnet2.utils.types import str_or_none

    def add(name: str, **settings: Any) -> None:
        parser.add_argument(f"--{NAME}_{name}", **settings)

    add(
        "heads",
        default="separate",
        help="separate (heads as asr_heads and st_heads say) or shared (one head for all texts of"
        " all kinds, with tokens of language and task); it has the options text_...",
    )
    add(
        "ctc",
        default=DEFAULTS["ctc"],
        help="What the CTC of this head learns from: transcripts, as in OWSM, or all texts",
    )
    add("ctc_weight", type=float, default=DEFAULTS["ctc_weight"], help="Share of CTC, 0 to 1")
    add("decoder", type=str_or_none, default=DEFAULTS["decoder"], help="ESPnet's decoder")
    add("decoder_conf", action=NestedDictAction, default={})


def is_used(options: Options) -> bool:
    """Return True if one head serves all texts.

    Args:
        options: The options of `msp_train`.

    Raises:
        ValueError: If `text_heads` has an unknown value.
    """
    how = options.get(f"{NAME}_heads", HOW[0])
    if how not in HOW:
        raise ValueError(f"`{NAME}_heads` must be one of {list(HOW)}, but got {how!r}.")
    return bool(how == "shared")


def check_options(kind: "TextKind", objectives: Sequence[Objective], options: Options) -> None:
    """Refuse settings that have no effect.

    Args:
        kind: A kind of texts.
        objectives: Its objectives.
        options: The options of `msp_train`.

    Raises:
        ValueError: If there is one.
    """
    if not is_used(options):
        for name, default in DEFAULTS.items():
            value = options.get(f"{NAME}_{name}", default)
            if value != default:
                raise ValueError(
                    f"`{NAME}_{name}: {value}` does nothing without `{NAME}_heads: shared`: set"
                    f" that, or remove `{NAME}_{name}`."
                )
        return
    for name, default in kind.head_options().items():
        value = kind.option(options, name)
        if objectives and value != default:
            instead = "remove it" if name == "heads" else f"set `{NAME}_{name}` instead"
            raise ValueError(
                f"`{kind.name}_{name}: {value}` does nothing beside `{NAME}_heads: shared`, which"
                f" is one head for all texts: {instead}."
            )


def texts_of(options: Options) -> "list[tuple[TextKind, Objective]]":
    """Return every objective of a run that learns from texts, with its kind, in their order.

    Args:
        options: The options of `msp_train`.

    Raises:
        ValueError: If an objective is not valid, or there is none.
    """
    from espnet_soups.objectives.registry import declared_objectives, kind_of
    from espnet_soups.objectives.text_kind import TextKind

    found = [(kind_of(objective), objective) for objective in declared_objectives(options)]
    return [(kind, objective) for kind, objective in found if isinstance(kind, TextKind)]


def learns_by_ctc(kind: "TextKind", options: Options) -> bool:
    """Return True if the CTC of the head learns from the texts of a kind.

    Args:
        kind: The kind.
        options: The options of `msp_train`.

    Raises:
        ValueError: If `text_ctc` has an unknown value.
    """
    how = options[f"{NAME}_ctc"]
    if how not in CTC_OF:
        raise ValueError(f"`{NAME}_ctc` must be one of {list(CTC_OF)}, but got {how!r}.")
    return bool(how == "all" or kind.in_order)
