"""Open a bundle, a trained model in one zip file or unpacked as on a hub, and check it before use.

It is ESPnet's packed format (`meta.yaml`) with a card (`README.md`) and `bundle.json`, which holds
the version of the format and a digest of every other file.
"""

import hashlib
import os
import shutil
import zipfile
import zlib
from pathlib import Path

from espnet_soups.files import read_json

TABLE = "bundle.json"
FORMAT = 1  # to be raised when an older espnet-soups can no longer use a bundle
SHAPE = {"format": int, "espnet_soups": str, "exp_dir": str, "files": dict[str, str]}
MADE_BY = "`espnet-soups pack`"
VARIABLE = "ESPNET_SOUPS_CACHE"
BLOCK = 1 << 20


def open_bundle(path: Path) -> Path:
    """Return the experiment folder of a bundle.

    Args:
        path: A zip file, which is unpacked into `cache_folder` once, or a folder.

    Raises:
        OSError: If it cannot be read or unpacked.
        ValueError: If it is not a bundle, is of a newer format, or a file was changed.
    """
    if path.is_dir():
        return check_bundle(path, str(path))
    try:
        with zipfile.ZipFile(path) as archive:
            if TABLE not in archive.namelist():
                raise ValueError(
                    f"{path} is not a bundle: it holds no {TABLE}; make one by {MADE_BY}."
                )
            digest = hashlib.sha256(archive.read(TABLE)).hexdigest()
            folder = cache_folder() / digest[:24]
            # an unpacked one is checked, and unpacked anew if it was changed
            return _unpack(archive, folder, path)
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise ValueError(f"{path} is damaged, or not a bundle ({error}); get it again.") from error


def _unpack(archive: zipfile.ZipFile, folder: Path, path: Path) -> Path:
    """Unpack a bundle; the folder appears whole or not at all."""
    if folder.is_dir():
        try:
            return check_bundle(folder, str(path))
        except (ValueError, OSError):
            shutil.rmtree(folder)
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    try:
        archive.extractall(temporary)
        check_bundle(temporary, str(path))
        os.replace(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return check_bundle(folder, str(path))


def check_bundle(folder: Path, called: str) -> Path:
    """Return the experiment folder of an unpacked bundle after checking that no file was changed.

    Args:
        folder: The folder of the bundle.
        called: How messages name it.

    Raises:
        OSError: If a file is missing.
        ValueError: If the bundle is of a newer format, names files outside, or a file was changed.
    """
    table = read_json(folder / TABLE, MADE_BY)
    number = table.get("format")
    if isinstance(number, int) and number > FORMAT:
        raise ValueError(
            f"{called} is a bundle of format {number} (espnet-soups"
            f" {table.get('espnet_soups', 'of an unknown version')}), but this espnet-soups reads"
            f" formats up to {FORMAT}: pip install --upgrade espnet-soups."
        )
    table = read_json(folder / TABLE, MADE_BY, SHAPE)
    for name in (*table["files"], table["exp_dir"]):
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise ValueError(f"{called}: {TABLE} names {name}, which lies outside; get it again.")
    for name, digest in table["files"].items():
        file = folder / name
        if not file.is_file():
            raise FileNotFoundError(f"{called} lacks {name}; get the bundle again.")
        if digest_of(file) != digest:
            raise ValueError(
                f"{called}: {name} was changed after it was packed; get the bundle again, or pack"
                f" the model anew by {MADE_BY}."
            )
    return folder / table["exp_dir"]


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal digits.

    Args:
        path: The file.
    """
    found = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(BLOCK):
            found.update(block)
    return found.hexdigest()


def cache_folder() -> Path:
    """Return the folder into which bundles are unpacked; it is made if missing.

    The variable `ESPNET_SOUPS_CACHE` names it, else it is `espnet-soups` in `XDG_CACHE_HOME` or
    `~/.cache`.
    """
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(os.environ.get(VARIABLE) or Path(cache) / "espnet-soups")
    folder.mkdir(parents=True, exist_ok=True)
    return folder
