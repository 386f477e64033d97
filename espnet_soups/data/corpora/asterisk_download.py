"""Fetch the Asterisk prompts from Debian's packages, or else from the upstream release."""

import logging
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from espnet_soups.data.corpora.debian_packages import DONE, download_debs, unpack_deb
from espnet_soups.data.download import fetch_file
from espnet_soups.data.extract import ArchiveError, extract
from espnet_soups.data.one_at_a_time import one_at_a_time

UPSTREAM = "https://downloads.asterisk.org/pub/telephony/sounds/releases"
RELEASE = "1.6.1"
MENARDI = "asterisk-prompt-it-menardi-wav"


def download_prompts(folder: Path, languages: Sequence[str], upstream: str = UPSTREAM) -> None:
    """Fetch and unpack the prompts of all languages (about 120 MB); done once.

    Args:
        folder: Folder to fill; a language that is complete is not fetched again.
        languages: en, fr, es, it, ru.
        upstream: Address of the folder of the release tarballs.

    Raises:
        OSError: If neither Debian's packages nor the release can be fetched.
    """
    for language in languages:
        target = folder / language
        if (target / DONE).exists():
            continue
        with one_at_a_time(folder):
            if not (target / DONE).exists():  # another run has fetched it meanwhile
                logging.info(f"Fetching the {language} prompts (about 20 MB)")
                _fetch_language(target, language, upstream)
                (target / DONE).touch()


def _fetch_language(target: Path, language: str, upstream: str) -> None:
    """Fill a folder beside the target, then rename it: the target appears whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{language}.") as scratch:
        unpacked = Path(scratch) / "unpacked"
        unpacked.mkdir()
        packages = [f"asterisk-core-sounds-{language}-wav", f"asterisk-core-sounds-{language}"]
        problems = []
        wanted = packages + ([MENARDI] if language == "it" else [])
        try:
            for file in download_debs(Path(scratch), wanted):
                unpack_deb(file, unpacked)
        except OSError as error:
            problems.append(str(error))
        if problems:
            try:
                _fetch_release(Path(scratch), unpacked, f"{upstream}/{packages[0]}-{RELEASE}")
            except OSError as error:
                problems.append(str(error))
                raise OSError(
                    f"The {language} prompts could not be fetched: {'; '.join(problems)}. Check the"
                    f" network and run again, or unpack the wav files and core-sounds-{language}"
                    f".txt into {target} by hand and create the empty file {target / DONE}."
                ) from error
            if language == "it":
                logging.warning(f"The second Italian speaker ({MENARDI}) is Debian's only: absent")
        shutil.rmtree(target, ignore_errors=True)
        os.rename(unpacked, target)


def _fetch_release(scratch: Path, unpacked: Path, address: str) -> None:
    archive = scratch / "release.tar.gz"
    fetch_file(f"{address}.tar.gz", archive)
    try:
        extract(archive, unpacked)
    except ArchiveError as error:
        raise OSError(f"{address}.tar.gz cannot be unpacked: {error}") from error
