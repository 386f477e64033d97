"""Unpacks archives so that what stands in its place is whole."""

import gzip
import logging
import shutil
import tarfile
import zlib
from pathlib import Path

BLOCK = 1 << 20
FETCH_AGAIN = "delete it and fetch it again"


def unpack(archive: Path, folder: Path, depth: int, remedy: str = FETCH_AGAIN) -> list[Path]:
    """Unpacks an archive beside its place, then moves its parts there.

    Args:
        archive: A tar file, compressed or not.
        folder: Where it belongs.
        depth: How many levels of folders are shared with other archives; what lies below replaces
            what is there. 1 for LibriSpeech, whose archives all hold `LibriSpeech/<subset>`.
        remedy: What the user can do about a broken one.

    Returns:
        What was moved into place.

    Raises:
        OSError: If the archive is broken, or the disk is full.
    """
    logging.info(f"Unpacking {archive}")
    scratch = folder / f".{archive.name}.partial"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    try:
        with tarfile.open(archive) as tar:
            tar.extractall(scratch, filter="data")
            while tar.fileobj is not None and tar.fileobj.read(BLOCK):
                pass  # up to the checksum, which is last
        moved = []
        for part in sorted(scratch.glob("/".join(["*"] * (depth + 1)))):
            target = folder / part.relative_to(scratch)
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.is_dir():
                shutil.rmtree(target)
            part.replace(target)
            moved.append(target)
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        reason = str(error).partition(":\n")[0]  # tarfile lists each kind that it tried
        raise OSError(f"{archive} cannot be unpacked ({reason}): {remedy}.") from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return moved
