"""Make objectives without a training configuration, for tests."""

from collections.abc import Iterable

from espnet_soups.objectives.objective import Objective
from espnet_soups.objectives.registry import declared_objectives, order_letters

LETTERS = order_letters({})


def build_objectives(
    asr_languages: Iterable[str], st_pairs: Iterable[str], ssl: bool = False
) -> list[Objective]:
    """Return the objectives of recognition, translation and self-supervision.

    Args:
        asr_languages: Languages to recognise, e.g. `["en", "fr"]`.
        st_pairs: Pairs to translate, e.g. `["fr_en"]`.
        ssl: Whether self-supervision is one of the objectives.
    """
    return declared_objectives(
        {
            "asr_token_list": dict.fromkeys(asr_languages),
            "st_pairs": list(st_pairs),
            "ssl": "cpc" if ssl else "none",
        }
    )
