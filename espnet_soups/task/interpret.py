"""What the options of a run mean: objectives, languages, token lists, static weights."""

import argparse
from collections.abc import Collection
from pathlib import Path

from espnet_soups.objectives.objective import Objective, build_objectives, match_names
from espnet_soups.objectives.self_supervision.build_head import ssl_of


def objectives_of(args: argparse.Namespace) -> list[Objective]:
    """Gives the objectives that the options ask for."""
    return build_objectives(args.asr_token_list, args.st_pairs, ssl_of(args) != "none")


def languages_of(args: argparse.Namespace) -> list[str]:
    """Gives every language that is spoken, in the order of the objectives; then those of `ssl`.

    Raises:
        ValueError: If there is none.
    """
    labelled = [objective.language for objective in objectives_of(args) if objective.language]
    languages = list(dict.fromkeys([*labelled, *ssl_languages_of(args)]))
    if not languages:
        raise ValueError("`ssl` alone needs `ssl_languages`: the languages in utt2lang.")
    return languages


def ssl_languages_of(args: argparse.Namespace) -> list[str]:
    """Gives the languages whose audio is for self-supervision alone.

    Raises:
        ValueError: If there are some, but no self-supervision.
    """
    languages = list(getattr(args, "ssl_languages", []))
    if languages and ssl_of(args) == "none":
        raise ValueError(f"`ssl_languages` {languages} need `ssl: cpc` or `ssl: best_rq`.")
    return languages


def inline_token_lists(args: argparse.Namespace) -> None:
    """Replaces paths of token lists by the lists, so that `config.yaml` is portable."""
    for option in ("asr_token_list", "st_token_list"):
        lists = getattr(args, option)
        for language, value in lists.items():
            if isinstance(value, str):
                lines = Path(value).read_text(encoding="utf-8").split("\n")
                lists[language] = [line for line in lines if line]


def expand_static_weights(
    weights: dict[str, float], objectives: Collection[Objective]
) -> dict[str, float]:
    """Gives the static weight of each objective that a glob names."""
    names = [objective.name for objective in objectives]
    return {
        name: float(weight)
        for pattern, weight in weights.items()
        for name in match_names(pattern, names)
    }
