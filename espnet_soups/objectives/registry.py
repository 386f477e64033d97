"""Registry of the kinds of objectives, and the objectives of a run in their order."""

import importlib
from collections.abc import Mapping, Sequence
from functools import cache

from espnet_soups.file_names import require_file_name
from espnet_soups.objectives.classification import Classification
from espnet_soups.objectives.contract import check_returned
from espnet_soups.objectives.enhancement import Enhancement
from espnet_soups.objectives.kind import Kind, Options
from espnet_soups.objectives.objective import Objective
from espnet_soups.objectives.own_kind import refuse_clashes, refuse_unasked
from espnet_soups.objectives.recognition import Recognition
from espnet_soups.objectives.self_supervision.kind import SelfSupervision
from espnet_soups.objectives.speaker import SpeakerVerification
from espnet_soups.objectives.translation import Translation

# In the order of a run: every vector, matrix and list of heads has it. Users' own kinds follow.
KINDS: tuple[Kind, ...] = (
    Recognition(),
    Translation(),
    SelfSupervision(),
    Classification(),
    SpeakerVerification(),
    Enhancement(),
)


@cache
def find_kind(name: str) -> Kind:
    """Return a kind.

    Args:
        name: Name of a built-in kind, or `module:Class` for a user's own.

    Raises:
        ValueError: If there is no such kind, or the class cannot be imported, is no kind, lacks a
            required member or has a forbidden one.
    """
    for kind in KINDS:
        if kind.name == name:
            return kind
    module, separator, class_name = name.partition(":")
    if not separator:
        raise ValueError(
            f"A kind of objective must be one of {[kind.name for kind in KINDS]} or `module:Class`,"
            f" but got {name!r}."
        )
    try:
        found = getattr(importlib.import_module(module), class_name, None)
    except ImportError as error:
        raise ValueError(
            f"`kind: {name}` cannot be imported ({error}): put the folder of the module on"
            " PYTHONPATH, for a recipe in path.local.sh."
        ) from error
    if not (isinstance(found, type) and issubclass(found, Kind)):
        raise ValueError(
            f"`kind: {name}` must be a class derived from espnet_soups.objectives.kind.Kind, but"
            f" {module} has {'none of that name' if found is None else repr(found)}."
        )
    missing = sorted(found.__abstractmethods__)
    missing += [
        attribute for attribute in ("name", "title", "sign") if not hasattr(found, attribute)
    ]
    if missing:
        raise ValueError(
            f"`kind: {name}` lacks {', '.join(missing)}, which every kind must have: see"
            " espnet_soups/objectives/kind.py."
        )
    refuse_unasked(name, found, KINDS)
    kind = found()
    refuse_clashes(kind, KINDS)
    return kind


def kind_of(objective: Objective) -> Kind:
    """Return the kind of an objective.

    Args:
        objective: The objective.

    Raises:
        ValueError: If its kind cannot be found.
    """
    return find_kind(objective.kind)


def kind_of_name(name: str, settings: Options | None = None) -> Kind:
    """Return the kind of an objective from its settings, or else from its name.

    Args:
        name: Name of the objective.
        settings: Its entry below `objectives:`, if any.

    Raises:
        ValueError: If the settings name no kind, nor does the beginning of the name.
    """
    given = (settings or {}).get("kind")
    if given is not None:
        return find_kind(str(given))
    prefix = name.partition("_")[0]
    if prefix not in [kind.name for kind in KINDS]:
        raise ValueError(
            f"The objective {name!r} is of no known kind: its name must begin with one of"
            f" {[f'{kind.name}_' for kind in KINDS]}, or its settings must name `kind:"
            " module:Class`."
        )
    return find_kind(prefix)


def kinds_of(options: Options) -> list[Kind]:
    """Return the kinds that a run may have: the built-in ones, then its own, each once.

    Args:
        options: The options of `msp_train`.

    Raises:
        ValueError: If `objectives` is malformed, names an unknown kind, or kinds clash.
    """
    given = options.get("objectives") or {}
    if not isinstance(given, Mapping) or not all(
        isinstance(name, str) and isinstance(settings, Mapping | None)
        for name, settings in given.items()
    ):
        raise ValueError(
            "`objectives` must map names to settings, such as `{cls_gender: {}}`, but got"
            f" {given!r}."
        )
    named = [kind_of_name(name, settings) for name, settings in given.items()]
    own = [kind for kind in dict.fromkeys(named) if kind not in KINDS]
    for position, kind in enumerate(own):
        refuse_clashes(kind, own[:position])
    return [*KINDS, *own]


def declared_objectives(options: Options) -> list[Objective]:
    """Return the objectives that the options of `msp_train` declare.

    Args:
        options: The options by name; missing ones declare no objective.

    Returns:
        The objectives in the order that every vector and matrix of the run uses.

    Raises:
        ValueError: If a name is not valid or given twice, or there is no objective.
    """
    objectives = [
        check_returned("objective", kind, found, Objective, "what it learns")
        for kind in kinds_of(options)
        for found in kind.declared(options)
    ]
    names = [objective.name for objective in objectives]
    for name in names:
        require_file_name("An objective", name)
        if "." in name:
            raise ValueError(
                "The name of an objective must hold no dot, since it names a module of the"
                f" network, but got {name!r}: write - or _ instead, in a language such as fr-CA in"
                " `utt2lang` and names of files, too."
            )
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(f"Each objective must be given once, but {repeated} came twice.")
    for name, settings in (options.get("objectives") or {}).items():
        if name not in names:
            kind = kind_of_name(name, settings)
            raise ValueError(
                f"`objectives` names {name!r}, but objectives of this kind ({kind.title}) are"
                f" declared by options of their own, such as `{kind.name}` or"
                f" `{kind.name}_token_list`: see `--help` of msp_train."
            )
    if not objectives:
        raise ValueError(
            "There is no objective: set `asr_token_list`, `st_pairs`, `ssl` or `objectives`."
        )
    return objectives


def order_letters(options: Options) -> dict[str, str]:
    """Return the letters of `order`, each mapped to globs over names of objectives.

    Args:
        options: The options of `msp_train`.
    """
    return {letter: glob for kind in kinds_of(options) for letter, glob in kind.letters.items()}


def parse_objective(name: str, others: Sequence[str] = ()) -> Objective:
    """Return the objective of a folder, from its name alone, such as `asr_fr`.

    Args:
        name: Name of the objective.
        others: Names of the objectives beside it, which may help to read it.

    Raises:
        ValueError: If no kind has such names, or the name is not sufficient.
    """
    return kind_of_name(name).named(name, others)


def by_kind(objectives: Sequence[Objective]) -> dict[Kind, list[Objective]]:
    """Group objectives by kind, and keep their order.

    Args:
        objectives: The objectives.
    """
    grouped: dict[Kind, list[Objective]] = {}
    for objective in objectives:
        grouped.setdefault(kind_of(objective), []).append(objective)
    return grouped
