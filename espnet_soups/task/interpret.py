"""What the options of a run mean: objectives, languages, vocabularies, static weights."""

import argparse
from collections.abc import Collection

from espnet_soups.objectives.objective import Objective, match_names
from espnet_soups.objectives.registry import declared_objectives, kinds_of


def objectives_of(args: argparse.Namespace) -> list[Objective]:
    """Return the objectives that the options declare."""
    return declared_objectives(vars(args))


def languages_of(args: argparse.Namespace) -> list[str]:
    """Return every language that is spoken: those of objectives, then further ones of `languages`
    and of objectives of all languages.

    Raises:
        ValueError: If there is none.
    """
    options = vars(args)
    spoken = [objective.language for objective in objectives_of(args) if objective.language]
    further = [language for kind in kinds_of(options) for language in kind.languages(options)]
    languages = list(dict.fromkeys([*spoken, *(options.get("languages") or []), *further]))
    if not languages:
        raise ValueError(
            "No objective names a language, so `languages` must list those of utt2lang (for"
            " self-supervision `ssl_languages`)."
        )
    return languages


def optional_languages_of(args: argparse.Namespace) -> list[str]:
    """Return the languages that a validation set may lack."""
    options = vars(args)
    return [language for kind in kinds_of(options) for language in kind.languages(options)]


def inline_vocabularies(args: argparse.Namespace) -> None:
    """Read the vocabularies that options name into the options, so that `config.yaml` is whole."""
    for kind in kinds_of(vars(args)):
        kind.inline(args)


def expand_static_weights(
    weights: dict[str, float], objectives: Collection[Objective]
) -> dict[str, float]:
    """Return the static weight of each objective that a glob names."""
    names = [objective.name for objective in objectives]
    return {
        name: float(weight)
        for pattern, weight in weights.items()
        for name in match_names(pattern, names)
    }
