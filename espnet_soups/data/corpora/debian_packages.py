"""Fetch packages of Debian and unpack them, without installing anything."""

import hashlib
import logging
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from espnet_soups.data.one_at_a_time import one_at_a_time

DONE = "complete"
# Package: (version, SHA-256 of its file). Those of Debian 12, which the recipe was tested on.
TESTED = {
    "asterisk-prompt-es-co": (
        "0.20070403-2.1",
        "6702696e045514699e87dc8fb70f370717e5df91f821f7bec8dd0df1be008e83",
    ),
    "asterisk-prompt-fr-armelle": (
        "20070613-2.2",
        "162570b1a9b3512a98f06b89f60c7c17cf1b9b52297315adca9a4e5be728bea3",
    ),
    "drascula": ("1.0+ds4-2", "ed4af8e2d41ad446e2f3b73533daa1804e2f13f62f596c0b02b8dc39544f22b4"),
    "drascula-spanish": (
        "1.0+ds4-2",
        "87b5f12df3fcd7ca16097c802dff1ab55e40c9ebc21209fa3f031e1661b4b8e5",
    ),
    "festvox-ru": (
        "0.5+dfsg-6",
        "21ef3f0f2978ecf2e2eddb367cb0ff4a72572196d28dc69feb84f4177af5e6c4",
    ),
}


def fetch_package(name: str, downloads: Path) -> Path:
    """Fetch a package and unpack it; done once.

    A file `<name>_*.deb` that lies in `downloads` is taken; else apt fetches the version of this
    machine's Debian, and compares it with the digest of the signed index.

    Args:
        name: Such as `festvox-ru`.
        downloads: Gets a folder of this name.

    Returns:
        The folder; it is whole.

    Raises:
        OSError: If it can neither be found nor fetched, or is broken.
    """
    target = downloads / name
    if not (target / DONE).exists():
        with one_at_a_time(downloads):
            if not (target / DONE).exists():  # another run has fetched it meanwhile
                _fetch(name, downloads, target)
    return target


def _fetch(name: str, downloads: Path, target: Path) -> None:
    with tempfile.TemporaryDirectory(dir=downloads, prefix=f".{name}.") as scratch:
        unpacked = Path(scratch) / "unpacked"
        unpacked.mkdir()
        files = sorted(downloads.glob(f"{name}_*.deb"))
        try:
            if not files:
                logging.info(f"Fetching Debian's package {name}")
                files = download_debs(Path(scratch), [name])
            _tell_other_version(name, files[-1])
            unpack_deb(files[-1], unpacked)
        except OSError as error:
            raise OSError(
                f"Debian's package {name} could not be had: {error}. Put its file {name}_*.deb into"
                f" {downloads}, or unpack it by hand into {target} and create the empty file"
                f" {target / DONE}; then run again."
            ) from error
        (unpacked / DONE).touch()
        shutil.rmtree(target, ignore_errors=True)
        os.rename(unpacked, target)


def download_debs(scratch: Path, packages: Sequence[str]) -> list[Path]:
    """Let apt fetch packages.

    Args:
        scratch: An empty folder, which gets a file for each.
        packages: Their names.

    Returns:
        The files, sorted by name.

    Raises:
        OSError: If this is no Debian, or a package cannot be had.
    """
    if not shutil.which("apt-get"):
        raise OSError("this is not Debian or Ubuntu (no apt-get)")
    result = subprocess.run(
        ["apt-get", "download", *packages], cwd=scratch, capture_output=True, text=True, check=False
    )
    if result.returncode != 0:
        lines = [line for line in result.stderr.splitlines() if line.startswith("E:")]
        hint = " (`apt-get update` may be needed)" if "Unable to locate" in result.stderr else ""
        raise OSError(f"apt-get download: {(lines or ['no reason given'])[0]}{hint}")
    return sorted(scratch.glob("*.deb"))


def unpack_deb(file: Path, folder: Path) -> None:
    """Unpack the files of a package.

    Args:
        file: The package, `*.deb`.
        folder: Where to.

    Raises:
        OSError: If dpkg-deb is missing, or the package is broken.
    """
    if not shutil.which("dpkg-deb"):
        raise OSError(f"nothing here unpacks {file.name} (no dpkg-deb)")
    command = ["dpkg-deb", "-x", str(file), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise OSError(f"dpkg-deb cannot unpack {file.name}: {' '.join(done.stderr.split())}")


def _tell_other_version(name: str, file: Path) -> None:
    """Warn of a package that is not the one that was looked into."""
    version, expected = TESTED[name]
    with open(file, "rb") as content:
        found = hashlib.file_digest(content, "sha256").hexdigest()
    if found != expected:
        logging.warning(
            f"{file.name} is another one than {name} {version}, on which this recipe was tested"
            f" (SHA-256 {found}, expected {expected}): the numbers of utterances may differ."
        )
