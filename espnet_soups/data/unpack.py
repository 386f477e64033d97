"""Unpack archives so that the result appears whole, and nothing else is touched."""

import logging
import shutil
from pathlib import Path

from espnet_soups.data.extract import ArchiveError, extract

FETCH_AGAIN = "delete it and fetch it again"
ENDINGS = (".tgz", ".tar.gz", ".tar.bz2", ".tar.xz", ".tar")


def unpack(archive: Path, folder: Path, depth: int, remedy: str = FETCH_AGAIN) -> list[Path]:
    """Unpack an archive beside its final place, then move its parts there.

    The archive's own part has the name of the archive without its ending; it replaces an old one.
    Files that several archives hold are kept if they exist. Any other folder is refused.

    Args:
        archive: A tar file, compressed or not.
        folder: The folder it belongs in.
        depth: How many levels of folders it shares with other archives: 1 for LibriSpeech, whose
            archives all hold `LibriSpeech/<subset>`.
        remedy: What the user can do about a broken one.

    Returns:
        The paths that were moved into place.

    Raises:
        OSError: If the archive is broken, holds what is not its own or more than its size allows,
            or the disk is full.
    """
    logging.info(f"Unpacking {archive}")
    scratch = folder / f".{archive.name}.partial"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    try:
        extract(archive, scratch)
        parts = sorted(scratch.glob("/".join(["*"] * (depth + 1))))
        _check_own(parts, own_name(archive), depth)
        return [_move(part, folder / part.relative_to(scratch), archive) for part in parts]
    except ArchiveError as error:
        raise OSError(f"{archive} cannot be unpacked ({error}): {remedy}.") from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def own_name(archive: Path) -> str:
    """Return the name of the own part of an archive.

    Args:
        archive: The file.

    >>> own_name(Path("covost_v2.fr_en.tsv.tar.gz")), own_name(Path("data_aishell.tgz"))
    ('covost_v2.fr_en.tsv', 'data_aishell')
    """
    ending = next((end for end in ENDINGS if archive.name.endswith(end)), "")
    return archive.name.removesuffix(ending)


def _check_own(parts: list[Path], own: str, depth: int) -> None:
    """Refuse folders that belong to other archives.

    Raises:
        ArchiveError: If there is one, or the archive's own part is missing.
    """
    others = [part.name for part in parts if part.name != own and part.is_dir()]
    if others:
        raise ArchiveError(f"it holds the folder {others[0]!r} beside {own!r}, its own")
    if own not in [part.name for part in parts]:
        found = ", ".join(repr(part.name) for part in parts[:3]) or "nothing"
        raise ArchiveError(f"it does not hold {own!r}, {depth} folders deep, but {found}")


def _move(part: Path, target: Path, archive: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    if part.name != own_name(archive) and target.exists():
        return target  # several archives hold it
    if target.is_dir() and not target.is_symlink():
        shutil.rmtree(target)
    part.replace(target)
    return target
