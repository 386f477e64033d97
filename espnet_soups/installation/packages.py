"""Compare the packages that are installed with those that espnet-soups asks for."""

import re
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version

from packaging.requirements import Requirement

OK, WRONG, MISSING = "ok", "wrong", "missing"
PACKAGE = "espnet-soups"
LEAST_BASH = (4, 4)
# What the extras are for; those of developers are left out.
EXTRAS = {
    "combiners": "the combiners cagrad, dualproj and upgrad",
    "completion": "completion in a shell",
    "espnet3": "the stages of ESPnet 3 (docs/espnet3.md)",
    "hf": "encoders of Hugging Face: wav2vec 2.0, HuBERT, WavLM, Whisper",
    "hub": "sharing models on the Hugging Face hub",
    "lhotse": "manifests of lhotse as input: `import_lhotse`",
    "lora": "adapters: `use_adapter: true`",
}


@dataclass(frozen=True)
class Found:
    """State of one package or program that is asked for.

    Attributes:
        name: Name of the package or program.
        verdict: `ok`, `wrong` (another version) or `missing`.
        words: The version, or what to do.
        needed: Whether every user needs it.
    """

    name: str
    verdict: str
    words: str
    needed: bool


def find_packages() -> list[Found]:
    """Return the state of the packages that every user needs, and of those of the extras.

    Raises:
        ValueError: If espnet-soups itself was never installed.
    """
    try:
        asked = [Requirement(text) for text in requires(PACKAGE) or []]
    except PackageNotFoundError as error:
        raise ValueError(
            "espnet-soups is not installed in this Python: run tools/setup.sh in a clone, or pip"
            " install espnet-soups."
        ) from error
    plain = [item for item in asked if item.marker is None or item.marker.evaluate({"extra": ""})]
    found = [find_package(item) for item in plain]
    for extra, meaning in EXTRAS.items():
        own = [
            item
            for item in asked
            if item not in plain and item.marker and item.marker.evaluate({"extra": extra})
        ]
        found += [find_package(item, extra, meaning) for item in own]
    return [*found, find_bash()]


def find_package(asked: Requirement, extra: str = "", meaning: str = "") -> Found:
    """Return the state of one package.

    Args:
        asked: Name and versions.
        extra: The extra that asks for it; empty: every user needs it.
        meaning: What the extra is for.
    """
    name = f"{asked.name}[{','.join(sorted(asked.extras))}]" if asked.extras else asked.name
    remedy = f"; for {meaning}: pip install '{PACKAGE}[{extra}]'" if extra else ""
    try:
        installed = version(asked.name)
    except PackageNotFoundError:
        return Found(name, MISSING, f"needs {asked.specifier}{remedy}", not extra)
    lacking = _lacking_parts(asked)
    if lacking:
        return Found(name, MISSING, f"lacks {', '.join(lacking)}{remedy}", not extra)
    if not asked.specifier.contains(installed, prereleases=True):
        words = f"{installed}, but needs {asked.specifier}{remedy}"
        return Found(name, WRONG, words, not extra)
    return Found(name, OK, installed, not extra)


def _lacking_parts(asked: Requirement) -> list[str]:
    """Return the packages of extras, such as those of `torchjd[cagrad]`, that are missing."""
    inner = [Requirement(text) for text in requires(asked.name) or [] if asked.extras]
    wanted: Iterable[Requirement] = (
        item
        for item in inner
        if item.marker and any(item.marker.evaluate({"extra": extra}) for extra in asked.extras)
    )
    lacking = []
    for item in wanted:
        try:
            version(item.name)
        except PackageNotFoundError:
            lacking.append(item.name)
    return lacking


def find_bash() -> Found:
    """Return the bash that recipes run in."""
    path = shutil.which("bash")
    if path is None:
        return Found("bash", MISSING, "recipes are bash scripts", True)
    done = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
    numbers = re.search(r"version (\d+)\.(\d+)", done.stdout)
    if numbers is None:
        return Found("bash", WRONG, f"{path} names no version", True)
    found = (int(numbers[1]), int(numbers[2]))
    words = f"{found[0]}.{found[1]}"
    if found < LEAST_BASH:
        return Found("bash", WRONG, f"{words}, but recipes need 4.4 or newer", True)
    return Found("bash", OK, words, True)
