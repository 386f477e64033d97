"""Docstrings of the package list their arguments and errors; faults of each sort are found."""

import ast

import pytest

from tools import check_docstrings
from tools.check_docstrings import Classes, faults, listed_arguments, main


def found_in(source):
    tree = ast.parse(source)
    return [sentence for _, sentence in faults(tree, Classes([tree]))]


COMPLETE = '''
class Base:
    """Base of sums.

    Args:
        start: Where to begin.
    """

    def __init__(self, start: int) -> None:
        self.start = start

    def add(self, one: int, *others: int, sign: int = 1, **rest: int) -> int:
        """Return a sum.

        Args:
            one: The first number.
            *others: Further ones, with a description
                of two lines.
            sign: Sign of the result.
            **rest: Ignored.

        Raises:
            ValueError: If there is nothing to add.
        """
        if not others:
            raise ValueError("nothing to add")
        return sign * sum(others, self.start + one)


class Derived(Base):
    """Sum that is always 0."""

    def add(self, one: int, *others: int, sign: int = 1, **rest: int) -> int:
        """Return 0."""
        raise ValueError("never")

    def zero(self) -> int:
        """Return 0."""
        raise NotImplementedError

    def __eq__(self, other: object) -> bool:
        return True


def _private(a):
    return a
'''


def test_complete_docstrings_have_no_fault():
    assert found_in(COMPLETE) == []


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("            sign: Sign of the result.\n", "", "add takes ['one', '*others', 'sign',"),
        ("            one: The", "            two: The", "`Args:` lists ['two', '*others',"),
        ("one: int, *others: int, sign", "*others: int, one: int, sign", "add takes ['*others',"),
        ("    Args:\n        start: Where to begin.\n", "", "__init__ has no section `Args:`"),
        ("        Raises:\n", "        Note:\n", "Base.add raises an error, but has no section"),
        ('"""Return a sum', '"""Returns a sum', "the docstring of add begins with 'Returns'"),
        ('"""Return 0', '"""Whether it is 0', "the docstring of add begins with 'Whether'"),
        ("class Derived(Base)", "class Derived", "Derived.add has no section `Args:`"),
    ],
)
def test_each_fault_is_found(old, new, fault):
    assert old in COMPLETE
    assert any(fault in sentence for sentence in found_in(COMPLETE.replace(old, new, 1)))


def test_two_parameters_may_share_a_line():
    assert listed_arguments("Add.\n\nArgs:\n    a, b: Numbers.\n\nReturns:\n    c: x.") == [
        "a",
        "b",
    ]
    assert listed_arguments("Return 0.") is None


def test_the_package_has_no_fault(capsys):
    assert main([]) == 0, capsys.readouterr().out


def test_faults_of_a_file_are_printed_with_their_line(tmp_path, capsys, monkeypatch):
    (tmp_path / "levels").mkdir()
    (tmp_path / "levels" / "order.py").write_text('def f(a):\n    """Add."""\n')
    monkeypatch.setattr(check_docstrings, "PACKAGE", tmp_path)
    assert main([str(tmp_path / "levels" / "order.py")]) == 1
    assert "levels/order.py:1: f has no section `Args:` for ['a']" in capsys.readouterr().out


def test_a_file_outside_the_package_is_refused(tmp_path, capsys):
    assert main([str(tmp_path / "x.py")]) == 2
    assert "x.py: expected Python files below" in capsys.readouterr().err
