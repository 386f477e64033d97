"""Extract tar archives safely, broken or hostile ones too: nothing outside, nothing unlimited."""

import bz2
import gzip
import lzma
import tarfile
import zlib
from pathlib import Path, PurePosixPath
from typing import IO, Any

BLOCK = 1 << 20
# Audio hardly compresses, text to a quarter: a corpus never grows by more than this.
MOST_TIMES = 20
LEAST_LIMIT = 16 << 20  # bytes; the limit of small archives
DEEPEST = 16  # levels of folders
LONGEST = 1000  # letters of a path; the system's own limit is 4096 bytes
SIGNS: dict[bytes, tuple[str, Any]] = {
    b"\x1f\x8b": ("gzip", gzip.GzipFile),
    b"BZh": ("bzip2", bz2.BZ2File),
    b"\xfd7zXZ\0": ("xz", lzma.LZMAFile),
}
BROKEN = (
    *(tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile, ValueError),
    *(LookupError, OverflowError, RecursionError, MemoryError),
)


class ArchiveError(Exception):
    """Reason why an archive is not unpacked."""


def limit_of(archive: Path) -> int:
    """Return the largest size that an archive may have when unpacked, bytes.

    Args:
        archive: The file.
    """
    return max(MOST_TIMES * archive.stat().st_size, LEAST_LIMIT)


def extract(archive: Path, folder: Path) -> None:
    """Extract an archive into an empty folder.

    Python's own filter of members can be escaped through a chain of links that is longer than a
    path may be (CVE-2025-4517, fixed in 3.12.11 and 3.13.4); here links may lead down only.

    Args:
        archive: A tar file, plain or compressed by gzip, bzip2 or xz.
        folder: The folder to fill.

    Raises:
        ArchiveError: If it is not an archive or broken, holds more than its size allows, is nested
            deeper than corpora are, or a member or a link leads elsewhere; `folder` may then hold a
            part.
        OSError: If it cannot be read, or the folder cannot be written.
    """
    most = limit_of(archive)
    try:
        with _open(archive) as stream:
            bounded = _Bounded(stream, most)
            with tarfile.TarFile(fileobj=bounded, name=str(archive)) as tar:  # type: ignore[arg-type]
                tar.extractall(folder, filter=_Guard(most))
            while bounded.read(BLOCK):
                pass  # read up to the checksum at the end
    except BROKEN as error:
        raise ArchiveError(_reason(error, archive)) from error
    except OSError as error:
        if error.errno is not None:  # the disk, not the archive
            raise
        raise ArchiveError(_reason(error, archive)) from error


def describe_content(begin: bytes) -> str:
    """Return a description of the content of a file, judged by its first bytes.

    Args:
        begin: The first bytes.

    >>> describe_content(b"<!DOCTYPE html>")
    "a web page that begins with '<!DOCTYPE html>'"
    """
    if not begin:
        return "an empty file"
    text = " ".join(begin[:60].decode("utf-8", errors="replace").split())
    if begin.lstrip()[:1] == b"<":
        return f"a web page that begins with {text!r}"
    for sign, (name, _) in SIGNS.items():
        if begin.startswith(sign):
            return f"a {name} file"
    return "a zip file" if begin.startswith(b"PK\x03\x04") else f"a file that begins with {text!r}"


def _open(archive: Path) -> IO[bytes]:
    begin = _begin(archive)
    for sign, (_, opener) in SIGNS.items():
        if begin.startswith(sign):
            stream: IO[bytes] = opener(archive, "rb")
            return stream
    return open(archive, "rb")


def _begin(archive: Path) -> bytes:
    with open(archive, "rb") as file:
        return file.read(512)


def _reason(error: Exception, archive: Path) -> str:
    begin = _begin(archive)
    packed = any(begin.startswith(sign) for sign in SIGNS)
    found = "" if packed else f"; it is {describe_content(begin)}"
    return f"{' '.join(str(error).split())}{found}"


class _Bounded:
    """Stream that refuses to go beyond a limit, since a header may ask for any size."""

    def __init__(self, stream: IO[bytes], most: int) -> None:
        self.stream, self.most = stream, most

    def read(self, size: int = -1) -> bytes:
        self._check(self.stream.tell() + max(size, 0))
        return self.stream.read(size)

    def seek(self, position: int, whence: int = 0) -> int:
        self._check(position)
        return self.stream.seek(position, whence)

    def tell(self) -> int:
        return self.stream.tell()

    def _check(self, position: int) -> None:
        if position > self.most + BLOCK:  # read-ahead
            raise ValueError(f"it becomes more than {self.most:,} bytes, far more than a corpus")


class _Guard:
    """Filter that admits members of an archive one by one; see `extract`."""

    def __init__(self, most: int) -> None:
        self.most, self.total = most, 0
        self.links: set[PurePosixPath] = set()

    def __call__(self, member: tarfile.TarInfo, folder: str) -> tarfile.TarInfo | None:
        """Return the member as it is to be extracted.

        Raises:
            ValueError: If it must not be extracted.
            tarfile.TarError: If Python's own filter refuses it.
        """
        shown = f"{member.name!r:.80}"
        path = PurePosixPath(member.name)
        if len(path.parts) > DEEPEST or len(member.name) > LONGEST or "\0" in member.name:
            raise ValueError(f"{shown} is more than {DEEPEST} folders deep, or too long a name")
        if any(parent in self.links for parent in path.parents):
            raise ValueError(f"{shown} lies behind a link")
        if member.islnk() or member.issym():
            target = PurePosixPath(member.linkname)
            if target.is_absolute() or ".." in target.parts or len(member.linkname) > LONGEST:
                raise ValueError(f"the link {shown} leads to {member.linkname!r:.80}")
            self.links.add(PurePosixPath(*path.parts))
        self.total += member.size
        if self.total > self.most:
            raise ValueError(f"it becomes more than {self.most:,} bytes, far more than a corpus")
        return tarfile.data_filter(member, folder)


def check_whole(archive: Path) -> None:
    """Read a compressed archive to its end, where its checksum stands.

    Args:
        archive: A compressed tar file.

    Raises:
        ArchiveError: If it is cut short, damaged, or something else, which the message names.
    """
    begin = _begin(archive)
    if not any(begin.startswith(sign) for sign in SIGNS):
        raise ArchiveError(f"it is {describe_content(begin)}")
    try:
        with _open(archive) as stream:
            bounded: Any = _Bounded(stream, limit_of(archive))
            while bounded.read(BLOCK):
                pass
    except BROKEN as error:
        raise ArchiveError(_reason(error, archive)) from error
