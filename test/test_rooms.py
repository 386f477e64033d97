"""The import ladder of the package, read from its source."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "espnet_soups"
# What each room may import from the package, beside itself.
OBJECTIVE = "objectives.objective"  # an objective as data: the one module of its room that is below
LADDER = {
    "losses": set(),
    "gradients": set(),
    "weighting": {OBJECTIVE},
    "levels": {OBJECTIVE},
    "backbone": set(),
}
LADDER["soup"] = {"losses", "gradients", "weighting", "levels", OBJECTIVE}
EVERYWHERE = {"settings", "file_names", "files", "ranks"}  # stand below all rooms


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
    files = sorted((PACKAGE / room).glob("*.py")) or [PACKAGE / f"{room}.py"]
    assert all(file.exists() for file in files)
    for file in files:
        above = rooms_imported_by(file) - LADDER[room] - EVERYWHERE - {room}
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
