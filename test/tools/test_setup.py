"""What tools/setup.sh installs into an environment of the user's; pip itself is a stand-in."""

import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import setuptools

ROOT = Path(__file__).parents[2]
PYTHON = """#!/bin/bash
case "$*" in
*"pip install"*)
    printf '%s\\n' "$@" >"{root}/pip.arguments"
    while (($# > 0)); do
        [[ $1 != --requirement ]] || cp "$2" "{root}/needs"
        shift
    done
    ;;
*version_of*) printf '3.13.0 202611' ;;
*find_spec*) {owner} ;;
*"import torch"*) ;;
*) exec {python} "$@" ;;
esac
"""


def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Return what setup.py hands to setuptools."""
    found: dict[str, Any] = {}
    monkeypatch.setattr(setuptools, "setup", lambda **given: found.update(given))
    runpy.run_path(str(ROOT / "setup.py"))
    return found


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone: setup.py, what it reads, and the scripts alone."""
    folder = tmp_path / "clone"
    (folder / "tools").mkdir(parents=True)
    for name in ("setup.sh", "environment.sh", "find_python.sh"):
        shutil.copy(ROOT / "tools" / name, folder / "tools")
    for name in ("setup.py", "README.md"):
        shutil.copy(ROOT / name, folder)
    return folder


def set_up(clone: Path, owner: str, *words: str) -> list[str]:
    """Run setup.sh with an environment activated, and return what pip was asked for."""
    root = clone.parent
    python = root / "env" / "bin" / "python"
    python.parent.mkdir(parents=True, exist_ok=True)
    python.write_text(PYTHON.format(root=root, owner=owner, python=sys.executable))
    python.chmod(0o755)
    environment = {key: value for key, value in os.environ.items() if key != "CONDA_PREFIX"}
    subprocess.run(
        [str(clone / "tools" / "setup.sh"), *words],
        env=environment | {"VIRTUAL_ENV": str(root / "env")},
        check=True,
        capture_output=True,
        timeout=60,
    )
    return (root / "pip.arguments").read_text().splitlines()


@pytest.mark.parametrize("extra", ["", "test"])
def test_an_environment_of_another_clone_gets_what_is_missing_and_keeps_its_package(
    clone: Path, monkeypatch: pytest.MonkeyPatch, extra: str
) -> None:
    arguments = set_up(clone, "echo /another/clone", *([f"--{extra}"] if extra else []))
    assert "--editable" not in arguments
    assert "--requirement" in arguments
    needs = (clone.parent / "needs").read_text().splitlines()
    wanted = asked(monkeypatch)
    assert len(wanted["install_requires"]) > 5
    assert needs == wanted["install_requires"] + (wanted["extras_require"]["test"] if extra else [])


@pytest.mark.parametrize("owner", ["exit 1", "echo {clone}"])
def test_an_environment_without_our_package_or_with_that_of_this_clone_gets_it(
    clone: Path, owner: str
) -> None:
    arguments = set_up(clone, owner.format(clone=clone))
    assert "--requirement" not in arguments
    assert arguments[arguments.index("--editable") + 1] == str(clone)


def test_an_environment_that_is_set_up_is_left_alone_by_every_clone(clone: Path) -> None:
    set_up(clone, "echo /another/clone")
    (clone.parent / "pip.arguments").write_text("untouched\n")
    other = clone.parent / "other"
    shutil.copytree(clone, other)
    for folder in (clone, other):
        assert set_up(folder, "echo /another/clone") == ["untouched"]


def test_an_exported_cdpath_does_not_lead_to_another_clone(clone: Path, tmp_path: Path) -> None:
    decoy = tmp_path / "decoy"
    (decoy / "clone" / "tools").mkdir(parents=True)
    said = subprocess.run(
        ["bash", "-c", ". clone/tools/environment.sh; echo $soups_root"],
        cwd=tmp_path,
        env=os.environ | {"CDPATH": str(decoy)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout == f"{clone}\n"
