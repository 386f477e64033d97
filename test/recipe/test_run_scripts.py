"""Scripts of recipes find their folder, however they are called."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted(path.relative_to(ROOT) for path in ROOT.glob("egs2/[!t]*/msp1/run.sh"))


def help_of(command: Path | str, folder: Path, **environment: str) -> str:
    return subprocess.run(
        ["bash", str(command), "--help"],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    ).stdout


def test_there_are_recipes() -> None:
    assert len(SCRIPTS) >= 3


@pytest.mark.parametrize("script", SCRIPTS, ids=str)
def test_a_link_from_another_folder_and_an_exported_cdpath_are_no_obstacle(
    script: Path, tmp_path: Path
) -> None:
    expected = help_of("run.sh", ROOT / script.parent)
    assert "--asr_langs" in expected
    (tmp_path / "train.sh").symlink_to(ROOT / script)
    assert help_of("train.sh", tmp_path) == expected
    (tmp_path / script.parent).mkdir(parents=True)  # another clone, or what is left of it
    assert help_of(script, ROOT, CDPATH=str(tmp_path)) == expected


def test_scripts_of_tables_do_not_follow_cdpath_either() -> None:
    tables = list(ROOT.glob("egs2/*/msp1/tables/*.sh"))
    assert len(tables) > 5
    for path in tables:
        assert 'cd "$(dirname "$(realpath "$0")")/.."' in path.read_text(encoding="utf-8"), path
