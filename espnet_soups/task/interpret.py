"""Interpret the options of a run: objectives, languages, vocabularies, static weights."""

import argparse
from collections.abc import Collection

from espnet_soups.objectives.objective import Objective, match_names
from espnet_soups.objectives.registry import declared_objectives, kinds_of


def objectives_of(args: argparse.Namespace) -> list[Objective]:
    """Return the objectives that the options declare.

    Args:
        args: The options of a run.

    Raises:
        ValueError: If an option of the objectives is not valid.
    """
    return declared_objectives(vars(args))


def languages_of(args: argparse.Namespace) -> list[str]:
    """Return all spoken languages.

    Those of objectives come first, then those of `languages` and of objectives of all languages.

    Args:
        args: The options of a run.

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
    """Return the languages that a validation set may lack.

    Args:
        args: The options of a run.
    """
    options = vars(args)
    return [language for kind in kinds_of(options) for language in kind.languages(options)]


def inline_vocabularies(args: argparse.Namespace) -> None:
    """Read the vocabularies in files into the options, so that `config.yaml` is complete.

    Args:
        args: The options of a run; changed in place.

    Raises:
        OSError: If a file is missing.
        ValueError: If a file is malformed.
    """
    for kind in kinds_of(vars(args)):
        kind.inline(args)


def expand_static_weights(
    weights: dict[str, float], objectives: Collection[Objective]
) -> dict[str, float]:
    """Return the static weight of each objective, by name.

    Args:
        weights: Glob over names of objectives to weight.
        objectives: The objectives.

    Raises:
        ValueError: If a glob matches no objective.
    """
    names = [objective.name for objective in objectives]
    return {
        name: float(weight)
        for pattern, weight in weights.items()
        for name in match_names(pattern, names)
    }
