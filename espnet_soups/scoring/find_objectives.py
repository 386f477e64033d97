"""Decoded objectives of a folder: from the file of stage 11, or by their names."""

from collections.abc import Collection, Sequence
from pathlib import Path

from espnet_soups.objectives.objective import Objective
from espnet_soups.objectives.objective_file import OBJECTIVES, read_objectives
from espnet_soups.objectives.own_kind import refuse_foreign
from espnet_soups.objectives.registry import KINDS, kind_of, parse_objective

OUTPUTS = ("text", "array.scp")  # files of a decoded objective, one or both


def find_known(decode_dir: Path, own_kinds: Collection[str]) -> list[Objective]:
    """Find the objectives of a directory whose kinds may be imported; see `find_objectives`.

    Args:
        decode_dir: The directory.
        own_kinds: A user's own kinds, `module:Class`, that may be imported.

    Raises:
        ValueError: If `objectives.json` names another class or an unknown kind, or for the reasons
            of `find_objectives`.
    """
    found = find_objectives(decode_dir)
    path = decode_dir / OBJECTIVES
    refuse_foreign([item.kind for item in found], own_kinds, path)
    for item in found:
        try:
            kind_of(item)
        except ValueError as error:
            raise ValueError(f"{path}: {item.name}: {error}") from error
    return found


def find_objectives(decode_dir: Path) -> list[Objective]:
    """Find the decoded objectives of a directory, in the order of the kinds, then by name.

    Args:
        decode_dir: Directory with a folder for each, and perhaps `objectives.json`, which describes
            them. A folder that is not in the file, as in a directory made by hand, is identified by
            its name.

    Raises:
        OSError: If there is no such directory.
        ValueError: If there is none, one of them has no output, or a folder with output is of no
            known objective.
    """
    if not decode_dir.is_dir():
        raise FileNotFoundError(f"{decode_dir} is missing; run the decoding (stage 11) first.")
    path = decode_dir / OBJECTIVES
    known = {item.name: item for item in (read_objectives(path) if path.is_file() else [])}
    found: list[Objective] = []
    bare: list[Objective] = []
    folders = sorted(item for item in decode_dir.iterdir() if item.is_dir())
    others = [folder.name for folder in folders]
    for folder in folders:
        has_output = any((folder / name).is_file() for name in OUTPUTS)
        objective = known.get(folder.name) or _by_name(folder, others, must=has_output)
        if objective is not None:
            (found if has_output else bare).append(objective)
    if bare:
        names = [objective.name for objective in bare]
        raise ValueError(f"{decode_dir} has no `text` in {names}; run the decoding (stage 11).")
    if not found:
        raise ValueError(
            f"{decode_dir} has no folder of an objective, such as"
            f" {' or '.join(f'{kind.name}_…' for kind in KINDS if kind.metrics)}; run the decoding"
            " (stage 11)."
        )
    return _sorted(found, list(known.values()))


def _by_name(folder: Path, others: Sequence[str], must: bool) -> Objective | None:
    """Return the objective of a folder's name; None for other folders, such as `logdir`.

    Raises:
        ValueError: If there is none although it `must` be one.
    """
    try:
        return parse_objective(folder.name, others)
    except ValueError as error:
        if must:
            raise ValueError(
                f"{folder} holds output, but {OBJECTIVES} beside it does not name it, nor does its"
                f" name say what it is: {error}"
            ) from error
        return None


def _sorted(objectives: list[Objective], known: list[Objective]) -> list[Objective]:
    kinds = [kind.name for kind in KINDS] + [objective.kind for objective in known]
    return sorted(objectives, key=lambda item: (kinds.index(item.kind), item.name))
