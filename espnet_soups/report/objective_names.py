"""Properties of an objective by its name alone, as it appears in logs and records."""

from collections.abc import Sequence

from espnet_soups.objectives.objective import Objective
from espnet_soups.objectives.registry import KINDS, parse_objective


def kind_name(name: str) -> str:
    """Return the name of the kind at the beginning of an objective's name.

    Args:
        name: Name of the objective.

    >>> kind_name("asr_fr"), kind_name("ssl")
    ('asr', 'ssl')
    """
    return name.partition("_")[0]


def sign_of(name: str) -> str:
    """Return the sign of an objective's kind; for a user's own kind, its name in capitals.

    Args:
        name: Name of the objective.

    >>> sign_of("st_fr_en"), sign_of("mood")
    ('ST', 'MOOD')
    """
    kind = kind_name(name)
    signs = {item.name: item.sign for item in KINDS}
    return signs.get(kind, kind.upper())


def look_up(name: str, others: Sequence[str] = ()) -> Objective:
    """Return an objective; if its name is not sufficient, with name and kind only.

    Args:
        name: Name of the objective.
        others: Names of the objectives beside it, which may determine its languages.

    >>> look_up("st_fr_en").target, look_up("ssl").supervised, look_up("mood").language
    ('en', False, '')
    """
    try:
        return parse_objective(name, others)
    except ValueError:
        return Objective(name, kind_name(name), transcribes=_transcribes(name))


def _transcribes(name: str) -> bool:
    """Return True if objectives of a kind transcribe, whatever the languages in the name."""
    try:
        return parse_objective(f"{kind_name(name)}_a_b").transcribes
    except ValueError:
        return False


def by_kind(names: Sequence[str]) -> dict[str, list[str]]:
    """Return objectives by kind, in the order of the first of each kind.

    Args:
        names: Names of the objectives.

    >>> by_kind(["asr_fr", "st_fr_en", "asr_it"])
    {'asr': ['asr_fr', 'asr_it'], 'st': ['st_fr_en']}
    """
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(kind_name(name), []).append(name)
    return groups


def supervised_kinds(names: Sequence[str]) -> list[str]:
    """Return the kinds that learn from labels: the built-in ones, then others among the names.

    Args:
        names: Names of the objectives.

    >>> supervised_kinds(["ssl", "mood", "asr_fr"])[-1], "ssl" in supervised_kinds(["ssl"])
    ('mood', False)
    """
    along = [kind.name for kind in KINDS]
    others = [kind_name(name) for name in names if look_up(name).supervised]
    known = [name for name in along if look_up(name).supervised]
    return [*known, *dict.fromkeys(kind for kind in others if kind not in along)]


def unit_of(name: str) -> str:
    """Return the unit of an objective's accuracy.

    Args:
        name: Name of the objective.

    >>> unit_of("asr_fr"), unit_of("ssl"), unit_of("mood")
    ('token', 'prediction', 'label')
    """
    objective = look_up(name)
    if not objective.supervised:
        return "prediction"
    return "token" if objective.transcribes else "label"


def loss_unit(name: str) -> str:
    """Return the unit of an objective's loss; nats if its kind is not built in.

    Args:
        name: Name of the objective.

    >>> loss_unit("asr_fr"), loss_unit("enh"), loss_unit("mood")
    ('nats', '', 'nats')
    """
    return next((kind.loss_unit for kind in KINDS if kind.name == kind_name(name)), "nats")


def loss_per(name: str) -> str:
    """Return the item over which an objective's loss is a mean.

    Args:
        name: Name of the objective.

    >>> loss_per("asr_fr"), loss_per("ssl"), loss_per("spk"), loss_per("enh")
    ('label token', 'prediction', 'label', 'frame or utterance')
    """
    own = next((kind.loss_per for kind in KINDS if kind.name == kind_name(name)), "")
    unit = unit_of(name)
    return own or ("label token" if unit == "token" else unit)
