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
*"import torch"*) printf '%s' "${{PYTHONDONTWRITEBYTECODE-kept}}" >"{root}/bytecode" ;;
*"import soundfile"*) [[ -e "{root}/pip.arguments" ]] ;;
*importlib.metadata*) [[ -n ${{EMPTY:-}} ]] || exec {python} "$@" ;;
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
    for name in ("setup.sh", "environment.sh", "find_python.sh", "uv.sh"):
        shutil.copy(ROOT / "tools" / name, folder / "tools")
    for name in ("setup.py", "README.md"):
        shutil.copy(ROOT / name, folder)
    return folder


def set_up(clone: Path, owner: str, *words: str) -> list[str]:
    """Run setup.sh with an environment activated, and return what pip was asked for."""
    run_setup(clone, owner, *words, SOUPS_INSTALLER="pip")
    return (clone.parent / "pip.arguments").read_text().splitlines()


def run_setup(clone: Path, owner: str, *words: str, **variables: str) -> str:
    """Run setup.sh with an environment activated, and return what it prints."""
    root = clone.parent
    python = root / "env" / "bin" / "python"
    python.parent.mkdir(parents=True, exist_ok=True)
    python.write_text(PYTHON.format(root=root, owner=owner, python=sys.executable))
    python.chmod(0o755)
    environment = {key: value for key, value in os.environ.items() if key != "CONDA_PREFIX"}
    run = subprocess.run(
        [str(clone / "tools" / "setup.sh"), *words],
        env=environment | {"VIRTUAL_ENV": str(root / "env")} | variables,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return run.stderr


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


def test_the_byte_code_of_what_commands_import_is_kept(clone: Path) -> None:
    said = run_setup(clone, "exit 1", SOUPS_INSTALLER="pip", PYTHONDONTWRITEBYTECODE="1")
    assert "compiling what training and decoding import" in said
    assert (clone.parent / "bytecode").read_text() == "kept"


def test_an_environment_that_is_set_up_is_left_alone_by_every_clone(clone: Path) -> None:
    set_up(clone, "echo /another/clone")
    (clone.parent / "pip.arguments").write_text("untouched\n")
    other = clone.parent / "other"
    shutil.copytree(clone, other)
    for folder in (clone, other):
        assert set_up(folder, "echo /another/clone") == ["untouched"]


UV = """#!/bin/bash
printf '%s\\n' "$@" >"{root}/uv.arguments"
env | grep -E '^(UV_|SSL_CERT_FILE|ALL_PROXY)' >"{root}/uv.environment"
{then}
"""
PIP_SETTINGS = {
    "PIP_CONFIG_FILE": os.devnull,
    "PIP_INDEX_URL": "https://index.invalid/simple",
    "PIP_EXTRA_INDEX_URL": "https://one.invalid https://two.invalid",
    "PIP_FIND_LINKS": "/wheels",
    "PIP_CONSTRAINT": "/a.txt",
    "PIP_CERT": "/cert.pem",
    "PIP_PROXY": "http://proxy.invalid:3128",
    "PIP_TRUSTED_HOST": "index.invalid",
    "PIP_DEFAULT_TIMEOUT": "30",
}


def with_uv(clone: Path, then: str = "true", **variables: str) -> str:
    """Run setup.sh with a stand-in for uv on PATH that ends with `then`."""
    (clone.parent / "bin").mkdir()
    uv = clone.parent / "bin" / "uv"
    uv.write_text(UV.format(root=clone.parent, then=then))
    uv.chmod(0o755)
    path = f"{uv.parent}:{os.environ['PATH']}"
    return run_setup(clone, "exit 1", PATH=path, SOUPS_INSTALLER="uv", **variables)


def test_uv_installs_with_the_settings_of_pip(clone: Path) -> None:
    with_uv(clone, **PIP_SETTINGS)
    root = clone.parent
    words = (root / "uv.arguments").read_text().splitlines()
    assert words[:3] == ["pip", "install", "--python"]
    assert words[-2:] == ["--editable", str(clone)]
    assert words[words.index("/a.txt") - 1] == "--constraint"
    known = dict(line.split("=", 1) for line in (root / "uv.environment").read_text().splitlines())
    assert known["UV_DEFAULT_INDEX"] == "https://index.invalid/simple"
    assert known["UV_INDEX"] == "https://one.invalid https://two.invalid"
    assert known["UV_FIND_LINKS"] == "/wheels"
    assert known["SSL_CERT_FILE"] == "/cert.pem"
    assert known["ALL_PROXY"] == "http://proxy.invalid:3128"
    assert known["UV_INSECURE_HOST"] == "index.invalid"
    assert known["UV_HTTP_TIMEOUT"] == "30"
    assert known["UV_INDEX_STRATEGY"] == "unsafe-best-match"
    assert not (root / "pip.arguments").exists()


def test_pip_installs_where_uv_lacks_one_of_its_settings(clone: Path) -> None:
    said = with_uv(clone, PIP_CONFIG_FILE=os.devnull, PIP_ONLY_BINARY=":all:")
    assert "uv has nothing like pip's setting only-binary" in said
    assert (clone.parent / "pip.arguments").exists()
    assert not (clone.parent / "uv.arguments").exists()


def test_pip_installs_where_uv_fails_and_the_reason_is_shown(clone: Path) -> None:
    said = with_uv(clone, "echo 'error: no such index'; exit 1", PIP_CONFIG_FILE=os.devnull)
    assert "uv failed (error: no such index); pip tries it" in said
    assert (clone.parent / "pip.arguments").exists()


def test_pip_replaces_a_build_of_soundfile_without_its_library(clone: Path) -> None:
    said = with_uv(clone, PIP_CONFIG_FILE=os.devnull, EMPTY="yes")
    assert "this build of soundfile lacks libsndfile; pip looks for one that has it" in said
    words = (clone.parent / "pip.arguments").read_text().splitlines()
    assert "--no-deps" in words
    assert words[-1].startswith("soundfile")


def test_the_downloads_of_uv_are_added_up(clone: Path) -> None:
    lines = [
        "Downloading torch (500.5MiB)",
        "Downloading numpy (15.0MiB)",
        " Downloaded numpy",
        " Downloaded torch",
        "Installed 2 packages in 3.1s",
    ]
    call = 'say() { echo "$*"; }; . tools/uv.sh; show_uv_progress 0'
    run = subprocess.run(
        ["bash", "-c", call],
        cwd=clone,
        input="\n".join([*lines, ""]),
        capture_output=True,
        text=True,
        check=True,
    )
    assert "15 of 515 MB downloaded" in run.stdout
    assert "515 of 515 MB downloaded" in run.stdout
    assert "installed 2 packages in 3.1s" in run.stdout


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
