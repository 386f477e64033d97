"""Detect data that changed since a folder was trained: an old model must not pass for a new one."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from espnet_soups.data.audio_digest import digest_file
from espnet_soups.files import read_json, read_table, write_json

RECORD = "data.json"
SHOWN = 3  # changes that a message spells out
AUDIO_TYPES = ("kaldi_ark", "sound", "recording")
SETS = {"train": "training", "valid": "validation"}


@dataclass(frozen=True)
class Table:
    """Record of a table of data.

    Attributes:
        lines: Number of its utterances.
        digest: Digest of its contents; for audio, of the sound.
        basis: What the digest covers: `text`, `audio`, or `sizes` if stage 3 left no digests.
    """

    lines: int
    digest: str
    basis: str


Tables = dict[str, dict[str, Table]]  # train or valid, then data name


def describe_data(settings: Mapping[str, Any]) -> Tables:
    """Describe the tables of training and validation of a run.

    Args:
        settings: The options of the run.

    Raises:
        OSError: If a file is missing.
        ValueError: If a table is malformed.
    """
    return {
        part: {
            name: _describe(Path(path), kind)
            for path, name, kind in settings[f"{part}_data_path_and_name_and_type"]
        }
        for part in SETS
    }


def find_changed_data(output_dir: Path, settings: Mapping[str, Any], now: Tables) -> list[str]:
    """Find tables that differ from those that a folder was trained with.

    Args:
        output_dir: The folder; one of an earlier release has no record of its data.
        settings: The options of this run.
        now: Its tables.

    Returns:
        A phrase for each table that changed.

    Raises:
        ValueError: If the record is malformed.
    """
    if not (output_dir / RECORD).exists():
        return []
    changes = []
    for part, tables in _read_record(output_dir / RECORD).items():
        paths = {n: path for path, n, _ in settings[f"{part}_data_path_and_name_and_type"]}
        for name, table in tables.items():
            new = now.get(part, {}).get(name)
            if new is None or new.basis != table.basis or new == table:
                continue
            lines = f", {table.lines:,} lines before and {new.lines:,} now"
            counts = lines if new.lines != table.lines else ""
            changes.append(f"`{name}` of {SETS[part]} ({paths[name]}{counts})")
    return changes


def list_changes(changes: Sequence[str]) -> str:
    """Return changes as part of a sentence; a long list is shortened.

    Args:
        changes: The phrases of `find_changed_data`.

    >>> list_changes(["`text` of training (data/train/text)"])
    '`text` of training (data/train/text)'
    """
    more = f" and {len(changes) - SHOWN} more" if len(changes) > SHOWN else ""
    return ", ".join(changes[:SHOWN]) + more


def write_data_record(output_dir: Path, tables: Tables) -> None:
    """Write the record of the data that a folder is trained with.

    Args:
        output_dir: The folder.
        tables: The result of `describe_data`.
    """
    record = {
        part: {name: asdict(table) for name, table in named.items()}
        for part, named in tables.items()
    }
    write_json(output_dir / RECORD, record)


def _read_record(path: Path) -> Tables:
    found = read_json(path, "the training")
    try:
        return {
            part: {name: Table(**table) for name, table in found[part].items()} for part in SETS
        }
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{path} is not what training wrote ({error}); remove it if the data are the same."
        ) from error


def _describe(path: Path, kind: str) -> Table:
    if kind not in AUDIO_TYPES:
        return _table(read_table(path), "text")
    digests = digest_file(path)
    table = read_table(path)
    if not digests.is_file():
        return _table({key: str(_size(place)) for key, place in table.items()}, "sizes")
    known = read_table(digests)
    return _table({key: known.get(key, "") for key in table}, "audio")


def _table(rows: Mapping[str, str], basis: str) -> Table:
    content = hashlib.sha256()
    for key in sorted(rows):
        content.update(f"{key} {rows[key]}\n".encode())
    return Table(len(rows), content.hexdigest(), basis)


def _size(place: str) -> int:
    """Return the size of a file, or of the ark of a place in one."""
    path = Path(place)
    ark = Path(place.rpartition(":")[0])
    found = path if path.is_file() else ark
    return found.stat().st_size if found.is_file() else -1
