"""Find the packages that a machine lacks, at the versions of this environment, and fetch them."""

import importlib.metadata
import re
import shutil
import subprocess
import sys
from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

ROOTS = ("espnet-soups", "pytest", "hypothesis")  # the package, and what its tests import
# pip compares these names exactly; a newer one than the machine's C library fails when it is used
PLATFORMS = tuple(f"manylinux_2_{minor}_x86_64" for minor in (28, 27, 24, 17, 12, 5))
PLATFORMS += ("manylinux2014_x86_64", "manylinux2010_x86_64", "manylinux1_x86_64")
FETCHES = 8  # at once: an index answers slowly
NEEDS = "needs.txt"  # in the folder: what must be on the machine


def canonical(name: str) -> str:
    """Return the name of a package as indexes compare it.

    Args:
        name: Any spelling of it.

    >>> canonical("Torch_Complex")
    'torch-complex'
    """
    return re.sub(r"[-_.]+", "-", name).lower()


def read_names(path: Path) -> tuple[set[str], set[str]]:
    """Read the packages of a machine, one a line; `#` begins a comment.

    Args:
        path: The file; a name that ends with `?` need not be there.

    Returns:
        (names that must be there, names that are not needed).

    Raises:
        ValueError: If a line is no name.
    """
    must: set[str] = set()
    need_not: set[str] = set()
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        word = line.partition("#")[0].strip()
        if not word:
            continue
        if not re.fullmatch(r"[A-Za-z0-9][\w.-]*\??", word):
            raise ValueError(f"{path}, line {number}: {word!r} is no name of a package.")
        (need_not if word.endswith("?") else must).add(canonical(word.rstrip("?")))
    return must, need_not


def needed_packages(
    roots: Iterable[str], present: Collection[str], python_version: str
) -> tuple[dict[str, str], set[str]]:
    """Follow the requirements of packages that are installed here.

    Args:
        roots: Names to begin with.
        present: Names that the machine has; their own requirements are not followed.
        python_version: Its Python, such as `3.12`.

    Returns:
        (name to version of what must be brought, the names of `present` that were met).

    Raises:
        ValueError: If a requirement is not installed here.
    """
    from packaging.requirements import Requirement

    environment = {"python_version": python_version, "python_full_version": f"{python_version}.0"}
    bring: dict[str, str] = {}
    met: set[str] = set()
    waiting = [Requirement(root) for root in roots]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        requirement = waiting.pop()
        name, extras = canonical(requirement.name), frozenset(requirement.extras)
        if name in present:
            met.add(name)
        if name in present or (name, extras) in seen:
            continue
        seen.add((name, extras))
        try:
            found = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError as error:
            raise ValueError(
                f"{name} is not installed here, so its version is unknown: run `prepare` in the"
                " environment of `tools/setup.sh`, or write the name into the list of what the"
                " machine has."
            ) from error
        bring[name] = found.version
        for one in map(Requirement, found.requires or []):
            marker = one.marker
            given = [environment | {"extra": extra} for extra in ("", *extras)]
            if marker is None or any(marker.evaluate(dict(values)) for values in given):
                waiting.append(one)
    return bring, met


def fetch_wheels(versions: Mapping[str, str], folder: Path, python_version: str) -> None:
    """Download the wheels of some packages, none of what they require.

    Packages without a wheel are built here, if they are pure Python.

    Args:
        versions: Name to version.
        folder: An existing folder, for the wheels.
        python_version: Python of the machine, such as `3.12`.

    Raises:
        OSError: If a package cannot be fetched, or its wheel is of this machine alone.
    """
    with ThreadPoolExecutor(FETCHES) as pool:
        jobs = [
            pool.submit(_fetch, name, version, folder, python_version)
            for name, version in sorted(versions.items())
        ]
        for job in jobs:
            job.result()


def _fetch(name: str, version: str, folder: Path, python_version: str) -> None:
    """Download or build the wheel of one package."""
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    wanted = ["--no-deps", f"{name}=={version}"]
    target = ["--only-binary=:all:", "--python-version", python_version, "--implementation", "cp"]
    target += [word for platform in PLATFORMS for word in ("--platform", platform)]
    download = [*pip, "download", *target, "--dest", str(folder), *wanted]
    if subprocess.run(download, capture_output=True).returncode == 0:
        return
    with TemporaryDirectory() as scratch:
        built = subprocess.run(
            [*pip, "wheel", "--wheel-dir", scratch, *wanted], capture_output=True, text=True
        )
        if built.returncode:
            last = (built.stderr.strip().splitlines() or ["pip said nothing"])[-1]
            raise OSError(f"{name} {version} could not be fetched: {last}")
        for path in Path(scratch).iterdir():
            if not path.name.endswith("-none-any.whl"):
                raise OSError(
                    f"{name} {version} has no wheel for Python {python_version} on Linux (x86_64),"
                    f" and the one that was built here ({path.name}) fits this machine alone."
                )
            shutil.copy(path, folder)


def lacking(names: Iterable[str]) -> list[str]:
    """Return those of some packages that are not installed here, sorted.

    Args:
        names: Names of packages.
    """
    found = {canonical(one.name) for one in importlib.metadata.distributions() if one.name}
    return sorted(set(map(canonical, names)) - found)
