"""Small faults planted into a toy package: which of them its tests see."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tools.mutants.edits import edits_of
from tools.mutants.mutant import mutants_of

ROOT = Path(__file__).parents[2]
SIZES = '''"""Sizes."""

import functools


def same(function):
    @functools.wraps(function)
    def run(*arguments):
        return function(*arguments)

    return run


class Box:
    def __init__(self, width, height):
        self.width, self.height = width, height

    @property
    def area(self):
        """Return 1 + 1."""
        return self.width * self.height

    @same
    def holds(self, length):
        if length < 0:
            raise ValueError(f"{1 + 1} is too short")
        return length <= self.width

    def unseen(self):
        return self.width + 2
'''
TESTS = """
import pytest
from toy.boxes.sizes import Box


def test_area():
    assert Box(3, 4).area == 12


def test_holds():
    assert Box(3, 4).holds(1) and not Box(3, 4).holds(5)
    with pytest.raises(ValueError, match="short"):
        Box(3, 4).holds(-1)
"""


@pytest.fixture
def toy(tmp_path):
    for path, text in {
        "toy/boxes/sizes.py": SIZES,
        "toy/boxes/__init__.py": "",
        "toy/__init__.py": "",
        "test/boxes/test_sizes.py": TESTS,
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    return tmp_path


def run(toy, *options):
    command = [sys.executable, "-m", "tools.mutants", "--package", "toy", "--rooms", "boxes"]
    return subprocess.run(
        [*command, *options], cwd=toy, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )


def test_faults_that_a_test_sees_are_killed_and_the_others_named(toy):
    done = run(toy, "--threshold", "0.9")
    fates = {line.split("  ")[-1]: line.split(" ")[0] for line in done.stdout.splitlines()}
    assert fates["`self.width * self.height` -> `self.width / self.height`"] == "killed"
    assert fates["`length < 0` -> `length <= 0`"] == "survived"
    assert fates["`length <= self.width` -> `length < self.width`"] == "survived"
    assert fates["`self.width + 2` -> `self.width - 2`"] == "survived", "no test runs it"
    assert "survived    boxes/sizes.py:25  Box.holds  `length < 0` -> `length <= 0`" in done.stdout
    assert "`1 + 1`" not in done.stdout
    assert done.returncode == 1
    assert "but 90.0% are asked" in done.stderr


def test_a_share_above_the_threshold_ends_in_status_0_and_lines_can_be_chosen(toy):
    done = run(toy, "--at", "boxes/sizes.py:21")
    assert "2 mutants: 2 killed, 0 timed out, 0 survived; 100.0% were seen" in done.stdout
    assert done.returncode == 0, done.stderr


def test_the_same_seed_draws_the_same_mutants(toy):
    first, again, other = (
        re.findall("(?m)  .*`$", run(toy, "--sample", "3", "--seed", seed).stdout)
        for seed in ("1", "1", "4")
    )
    assert len(first) == 3
    assert first == again != other


def test_tests_that_fail_without_a_fault_do_not_count_as_killing(toy):
    tests = toy / "test/boxes/test_sizes.py"
    tests.write_text(TESTS.replace("== 12", "== 13"), encoding="utf-8")
    done = run(toy)
    assert done.returncode == 1
    assert "fix it first" in done.stderr
    assert "killed" not in done.stdout


def test_a_fault_that_never_ends_is_timed_out(toy):
    source = toy / "toy/boxes/sizes.py"
    loop = "        while length > self.width:\n            length -= 1\n        return length >= 0"
    source.write_text(SIZES.replace("        return length <= self.width", loop), encoding="utf-8")
    tests = TESTS.replace("not Box(3, 4).holds(5)", "Box(3, 4).holds(5)")
    (toy / "test/boxes/test_sizes.py").write_text(tests, encoding="utf-8")
    done = run(toy, "--at", "boxes/sizes.py:28", "--grace", "1")
    assert "timed out   boxes/sizes.py:28  Box.holds  `length -= 1` -> `length += 1`" in done.stdout
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("a < b", {"a <= b"}),
        ("a is not b", {"a is b"}),
        ("a + b", {"a - b"}),
        ("a @ b", {"b @ a"}),
        ("a and b", {"a or b"}),
        ("not a", {"a"}),
        ("-a", {"a"}),
        ("0", {"1"}),
        ("0.5", {"1.5"}),
        ("True", {"False"}),
        ("'text'", set()),
        ("f(a, b)", {"f(b, a)"}),
        ("f(a, a)", set()),
        ("min(a, b)", {"max(a, b)"}),
        ("sum(a)", set()),
        ("a.sum(dim=0)", {"a.mean(dim=0)"}),
        ("a if b else c", {"a if not b else c"}),
    ],
)
def test_every_edit_is_one_small_fault(right, wrong):
    node = ast.parse(right, mode="eval").body
    assert {ast.unparse(edited) for edited in edits_of(node)} == wrong


def test_no_text_for_people_is_changed(tmp_path):
    path = tmp_path / "texts.py"
    path.write_text(
        "def tell(log, a: 1):\n    '''1 + 1'''\n    log.info('%d', 1 + 1)\n"
        "    b: 1 = a\n    return b\n"
    )
    assert [mutant.change for mutant in mutants_of(path)] == [
        "`log.info('%d', 1 + 1)` -> `pass`",
        "`return b` -> `return None`",
    ]
