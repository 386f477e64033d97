"""Fetches large files: goes on after an interruption, and checks what came."""

import hashlib
import logging
import time
import urllib.error
import urllib.request
from pathlib import Path

BLOCK = 1 << 20
ATTEMPTS = 5
PAUSE_SECONDS = 5.0


def fetch_file(
    url: str, target: Path, md5: str | None = None, pause: float = PAUSE_SECONDS
) -> None:
    """Fetches a file unless it is there; `<target>.part` holds what came so far.

    Args:
        url: Its address.
        target: Where it goes; it appears whole or not at all.
        md5: Checksum, in hexadecimal digits; None: not checked.
        pause: Seconds before another attempt.

    Raises:
        OSError: If it cannot be fetched, or its checksum is wrong.
    """
    if target.is_file():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.part")
    for attempt in range(1, ATTEMPTS + 1):
        try:
            _fetch_rest(url, part)
            break
        except OSError as error:
            reason = getattr(error, "reason", error)
            lasting = isinstance(error, urllib.error.HTTPError) and error.code < 500
            if lasting or attempt == ATTEMPTS:
                raise OSError(
                    f"{url} could not be fetched ({reason}): check the network and run again, which"
                    f" goes on from {part}, or put the file there by hand as {target}."
                ) from error
            logging.warning(f"{url}: {reason}; attempt {attempt + 1} of {ATTEMPTS} follows")
            time.sleep(pause)
    if md5 is not None and md5_of(part) != md5:
        part.unlink()
        raise OSError(
            f"{url} came with a wrong checksum (expected md5 {md5}) and was deleted: run again."
        )
    part.replace(target)


def md5_of(path: Path) -> str:
    """Gives the MD5 checksum of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _fetch_rest(url: str, part: Path) -> None:
    have = part.stat().st_size if part.is_file() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        with urllib.request.urlopen(request, timeout=60) as source:
            goes_on = have > 0 and getattr(source, "status", None) == 206
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
