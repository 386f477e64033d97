"""`objectives.json` of a decoded set: the decoded objectives with all their fields."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path

from espnet_soups.files import read_json, require_shape, write_json
from espnet_soups.objectives.objective import Objective

OBJECTIVES = "objectives.json"
MADE_BY = "the decoding (stage 11)"


def write_objectives(path: Path, objectives: Sequence[Objective]) -> None:
    """Write objectives, completely or not at all.

    Args:
        path: The file.
        objectives: The objectives, in order; the file maps name to fields.
    """
    record = {objective.name: asdict(objective) for objective in objectives}
    write_json(path, record)


def read_objectives(path: Path) -> list[Objective]:
    """Read objectives, in the order of the file.

    Args:
        path: The file.

    Raises:
        OSError: If it is missing.
        ValueError: If it does not have the form that `write_objectives` writes.
    """
    record = read_json(path, MADE_BY)
    known = {field.name for field in fields(Objective)}
    needed = {"name", "kind"}
    if not all(
        isinstance(item, dict) and needed <= item.keys() <= known and item["name"] == name
        for name, item in record.items()
    ):
        raise ValueError(
            f"{path} must map the name of each objective to its fields,"
            f" {', '.join(sorted(known))}, but holds {record!r:.80}; run the decoding (stage 11)"
            " anew."
        )
    types = {f"{field.name}?": field.type for field in fields(Objective)}
    require_shape(record, {"*": types}, str(path), MADE_BY)
    return [Objective(**item) for item in record.values()]
