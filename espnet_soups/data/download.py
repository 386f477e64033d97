"""Fetch large files: resume after an interruption, and check the result."""

import hashlib
import http.client
import logging
import time
import urllib.error
import urllib.request
from pathlib import Path

from espnet_soups.data.extract import ArchiveError, check_whole, describe_content

BLOCK = 1 << 20
ATTEMPTS = 5
PAUSE_SECONDS = 5.0


class WrongContentError(OSError):
    """Answer with other content than was asked for; another attempt would not help."""


def fetch_file(
    url: str, target: Path, md5: str | None = None, pause: float = PAUSE_SECONDS
) -> None:
    """Fetch an archive unless it is there; `<target>.part` holds what has arrived so far.

    Args:
        url: Its address.
        target: The file to write; it appears whole or not at all.
        md5: Checksum, in hexadecimal digits; None: not known, so the archive's own checksum is
            checked.
        pause: Seconds before another attempt.

    Raises:
        OSError: If it cannot be fetched, its checksum is wrong, or the result is not a whole
            archive.
    """
    if target.is_file():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.part")
    for attempt in range(1, ATTEMPTS + 1):
        try:
            _fetch_rest(url, part)
            break
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None) or f"{type(error).__name__}: {error}"
            lasting = isinstance(error, urllib.error.HTTPError) and error.code < 500
            lasting = lasting or isinstance(error, WrongContentError)
            if lasting or attempt == ATTEMPTS:
                raise OSError(
                    f"{url} could not be fetched ({reason}): check the network and run again, which"
                    f" goes on from {part}, or put the file there by hand as {target}."
                ) from error
            logging.warning(f"{url}: {reason}; attempt {attempt + 1} of {ATTEMPTS} follows")
            time.sleep(pause)
    problem = _problem(part, md5)
    if problem is not None:
        part.unlink()
        raise OSError(f"{url} came {problem} and was deleted: run again.")
    part.replace(target)


def _problem(part: Path, md5: str | None) -> str | None:
    """Return what is wrong with a fetched file; None: nothing."""
    if md5 is None:
        try:
            check_whole(part)
        except ArchiveError as error:
            return f"as no whole archive ({error}; {part.stat().st_size:,} bytes)"
        return None
    found = md5_of(part)
    if found == md5:
        return None
    with open(part, "rb") as file:
        content = describe_content(file.read(512))
    return (
        f"with a wrong checksum (expected md5 {md5}, found {found} of {part.stat().st_size:,}"
        f" bytes, {content})"
    )


def md5_of(path: Path) -> str:
    """Return the MD5 checksum of a file, in hexadecimal digits.

    Args:
        path: The file.
    """
    with open(path, "rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _fetch_rest(url: str, part: Path) -> None:
    have = part.stat().st_size if part.is_file() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        with urllib.request.urlopen(request, timeout=60) as source:
            if source.headers.get_content_type() == "text/html":
                raise WrongContentError("a web page came, not the file: it may have moved")
            goes_on = have > 0 and getattr(source, "status", None) == 206
            if goes_on and not source.headers.get("Content-Range", f"bytes {have}-").startswith(
                f"bytes {have}-"
            ):
                raise WrongContentError("another part than the one that was asked for came")
            size = int(source.headers.get("Content-Length") or 0) + (have if goes_on else 0)
            logging.info(f"{url}: {size / 1e6:,.1f} MB" + (f", {have:,} bytes are here" * goes_on))
            with open(part, "ab" if goes_on else "wb") as sink:
                while block := source.read(BLOCK):
                    sink.write(block)
            if size and part.stat().st_size != size:
                raise OSError(f"the connection ended after {part.stat().st_size:,} bytes")
    except urllib.error.HTTPError as error:
        if error.code != 416 or not have:  # 416: nothing is left to fetch
            raise
