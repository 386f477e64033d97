"""Scoring and report work with any kind: no name of a task or of its scores stands in them."""

import ast
import re
from pathlib import Path

import pytest

from espnet_soups.objectives.registry import KINDS

PACKAGE = Path(__file__).parents[2] / "espnet_soups"
NAMES = {kind.name for kind in KINDS} | {m.name for kind in KINDS for m in kind.metrics}
NAMES -= {"accuracy"}  # of the validation, whatever the kind
FILES = sorted(path for room in ("scoring", "report") for path in (PACKAGE / room).rglob("*.py"))


def constants(path: Path) -> set[str]:
    """Return the words of a file's strings, docstrings left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    texts = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs
    ]
    return {word for text in texts for word in re.findall(r"[a-z_]+", text.lower())}


def test_the_rooms_were_found() -> None:
    assert len(FILES) > 30


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_no_file_names_a_task_or_a_score(path) -> None:
    found = {word for word in constants(path) if word in NAMES or word.split("_")[0] in NAMES}
    assert not found
