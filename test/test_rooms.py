"""The import ladder of the package, and the words that one room alone may know."""

import ast
import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "espnet_soups"
# What each room may import from the package, beside itself.
OBJECTIVE = "objectives.objective"  # an objective as data: the one module of its room that is below
BELOW = {"losses": set(), "gradients": set(), "backbone": set(), "data": set(), "jobs": set()}
BELOW["backbone"] = {"data"}  # its frontends make the features that stage 3 makes
LADDER = {**BELOW, "weighting": {OBJECTIVE}, "levels": {OBJECTIVE}}
LADDER["soup"] = {"losses", "gradients", "weighting", "levels", OBJECTIVE}
LADDER["objectives"] = {"losses", "backbone", "data"}
LADDER["network"] = {"objectives", *LADDER["soup"], "soup"}
LADDER["task"] = {"network", "backbone", "data", *LADDER["network"]}
LADDER["inference"] = {"objectives", "losses", "network", "task", "data", "backbone"}
LADDER["demo"] = {"inference", "objectives", "data"}
LADDER["conflict"] = {OBJECTIVE}
LADDER["task"] |= {"conflict"}
LADDER["scoring"] = {"objectives"}
LADDER["report"] = {"objectives", "scoring", "conflict", "data"}
LADDER["sharing"] = {"inference", "objectives", "task", "scoring", "report"}
LADDER |= {"recipes": set(), "installation": set()}
LADDER["espnet3"] = {"task", "network"}
# stand below all rooms
EVERYWHERE = {"settings", "file_names", "files", "free_cores", "ranks", "terminal"}


def rooms_imported_by(path):
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide the ladder"
            names = [node.module]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        inside = [name.removeprefix("espnet_soups.") for name in names if "espnet_soups." in name]
        found |= {name if name == OBJECTIVE else name.split(".")[0] for name in inside}
    return found


@pytest.mark.parametrize("room", sorted(LADDER))
def test_a_room_imports_only_from_below(room):
    files = sorted((PACKAGE / room).rglob("*.py"))
    assert files
    for file in files:
        allowed = LADDER[room] | EVERYWHERE | {room}
        allowed |= {OBJECTIVE} if "objectives" in allowed else set()
        above = rooms_imported_by(file) - allowed
        assert not above, f"{file.relative_to(PACKAGE)} imports from {sorted(above)}"


def test_only_the_wrappers_import_torchjd():
    importers = [
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if "import torchjd" in path.read_text(encoding="utf-8")
        or "from torchjd" in path.read_text(encoding="utf-8")
    ]
    assert sorted(importers) == [
        "weighting/torchjd.py",
        "weighting/torchjd_losses.py",
    ]


# Words by which code could tell tasks apart, and what a string that names one looks like.
TASKS = re.compile(r"-*(asr|st|ssl|cls|spk|enh|wer|cer|bleu|chrf|eer)([_*].*)?")
# Commands hand options of kinds on; corpora, tables of the paper and toy models are about some.
ABOUT_SOME = ("objectives/", "bin/", "data/corpora/", "tables/", "testing/")


def strings_of(path):
    """Return the string constants of a file, docstrings left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documented = ast.Module | ast.ClassDef | ast.FunctionDef
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs
    ]


def test_only_kinds_of_objectives_know_a_task_by_name():
    looked_at = 0
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).as_posix()
        if name.startswith(ABOUT_SOME):
            continue
        looked_at += 1
        known = [text for text in strings_of(path) if TASKS.fullmatch(text)]
        assert not known, f"{name} decides by {known}: ask the kind of the objective"
    assert looked_at > 100


def test_the_search_for_words_finds_them(tmp_path):
    (tmp_path / "a.py").write_text(
        '"""asr"""\nif task == "asr" or name.startswith("st_"):\n    pass\n'
    )
    found = [text for text in strings_of(tmp_path / "a.py") if TASKS.fullmatch(text)]
    assert sorted(found) == ["asr", "st_"]
