"""Which Python the set-up takes; stand-ins for Pythons tell whatever version a test wants."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

TOOLS = Path(__file__).parents[2] / "tools"
Find = Callable[..., subprocess.CompletedProcess[str]]
MakePython = Callable[..., Path]


@pytest.fixture
def make_python(tmp_path: Path) -> MakePython:
    """Return a function that makes a program which answers as a Python of a version would."""

    def make(place: str, version: str, lacks: str = "ok") -> Path:
        path = tmp_path / place
        path.parent.mkdir(parents=True, exist_ok=True)
        body = f'[[ $2 == *espnet* ]] && echo "{version} -" || echo "{version} {lacks}"'
        path.write_text(f"#!/bin/bash\n{body if version != 'shim' else 'exit 127'}\n")
        path.chmod(0o755)
        return path

    return make


@pytest.fixture
def find(tmp_path: Path) -> Find:
    """Return a function that searches among the stand-ins alone."""

    def run(**environment: str) -> subprocess.CompletedProcess[str]:
        script = f". {TOOLS}/environment.sh; . {TOOLS}/find_python.sh; find_python"
        (tmp_path / "tools").mkdir(exist_ok=True)
        for name in ("bash", "sed", "sort", "head", "ls", "dirname"):
            link = tmp_path / "tools" / name
            if not link.exists():
                link.symlink_to(subprocess.check_output(["which", name], text=True).strip())
        settings = {"PATH": f"{tmp_path}/bin:{tmp_path}/tools", "HOME": str(tmp_path)}
        return subprocess.run(
            ["/bin/bash", "-euo", "pipefail", "-c", script],
            env=settings | environment,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    return run


def test_the_newest_name_on_the_path_comes_first(find: Find, make_python: MakePython) -> None:
    make_python("bin/python3", "3.11.7")
    make_python("bin/python3.12", "3.12.1")
    newest = make_python("bin/python3.13", "3.13.0")
    assert find().stdout.strip() == str(newest)


def test_a_shim_without_its_python_is_passed_over(find: Find, make_python: MakePython) -> None:
    make_python("bin/python3.13", "shim")
    good = make_python("bin/python3", "3.12.9")
    assert find().stdout.strip() == str(good)


def test_pyenv_is_searched_where_python3_is_too_old(find: Find, make_python: MakePython) -> None:
    make_python("bin/python3", "3.11.7")
    make_python(".pyenv/versions/3.14.0/bin/python", "3.14.0")
    make_python(".pyenv/versions/3.9.18/bin/python", "3.9.18")
    make_python(".pyenv/versions/3.12.1/bin/python", "3.12.1")
    newest = make_python(".pyenv/versions/3.13.0/bin/python", "3.13.0")
    assert find().stdout.strip() == str(newest)
    other = make_python("elsewhere/versions/3.12.4/bin/python", "3.12.4")
    found = find(PYENV_ROOT=str(other.parents[3]))
    assert found.stdout.strip() == str(other)


def test_conda_and_uv_are_asked_last(find: Find, make_python: MakePython, tmp_path: Path) -> None:
    by_uv = make_python("uv/python", "3.13.2")
    uv = make_python("bin/uv", "0")
    uv.write_text(f'#!/bin/bash\n[[ $* == "python find --no-project >=3.1"* ]] && echo {by_uv}\n')
    assert find().stdout.strip() == str(by_uv)
    by_conda = make_python("conda/bin/python", "3.12.8")
    conda = make_python("bin/conda", "0")
    conda.write_text(f'#!/bin/bash\n[[ $* == "info --base" ]] && echo {tmp_path}/conda\n')
    assert find().stdout.strip() == str(by_conda)


def test_the_users_own_choice_wins_or_is_refused(find: Find, make_python: MakePython) -> None:
    make_python("bin/python3.13", "3.13.0")
    mine = make_python("mine/python", "3.12.0")
    assert find(PYTHON=str(mine)).stdout.strip() == str(mine)
    old = make_python("mine/old", "3.11.2")
    refused = find(PYTHON=str(old))
    assert refused.returncode == 1
    assert f"error: PYTHON={old} is Python 3.11.2, but espnet-soups needs" in refused.stderr
    assert "is Python (which does not run)" in find(PYTHON="no-such").stderr


def test_without_any_the_sentence_tells_what_was_found_and_what_to_install(
    find: Find, make_python: MakePython
) -> None:
    make_python("bin/python3", "3.11.7")
    make_python("bin/python3.12", "3.12.3", lacks="ensurepip")
    result = find()
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert "found: 3.11.7; " in result.stderr
    assert "bin/python3.12 (3.12.3) lacks ensurepip" in result.stderr
    assert "apt-get install python3.12 python3.12-venv" in result.stderr


@pytest.mark.parametrize(
    ("version", "bounds", "inside"),
    [
        ("3.12.0", ">=3.12,<3.14", True),
        ("3.9.18", ">=3.12,<3.14", False),
        ("3.14.0", ">=3.12,<3.14", False),
        ("3.13.11", ">=3.12,<3.14", True),
        ("202611", ">=202611", True),
        ("202611.post1", ">=202611", True),
        ("202511", ">=202611", False),
    ],
)
def test_versions_are_compared_as_numbers(version: str, bounds: str, inside: bool) -> None:
    script = f'. {TOOLS}/environment.sh; soups_in_range "{version}" "{bounds}"'
    assert (subprocess.run(["bash", "-c", script], check=False).returncode == 0) is inside


def test_the_bounds_are_those_of_setup_py() -> None:
    script = f". {TOOLS}/environment.sh; soups_requirement python; soups_requirement espnet"
    bounds = subprocess.check_output(["bash", "-c", script], text=True).split()
    text = (TOOLS.parent / "setup.py").read_text(encoding="utf-8")
    assert len(bounds) == 2
    assert f'python_requires="{bounds[0]}"' in text
    assert f'"espnet{bounds[1]}"' in text


def test_help_answers_without_any_python() -> None:
    result = subprocess.run(
        ["bash", TOOLS / "setup.sh", "--help"],
        env={"PATH": os.defpath},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0
    assert "--help" in result.stdout
    assert ">=3.12" in result.stdout
