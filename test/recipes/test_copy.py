"""A recipe is copied whole, from a clone, and knows where it belongs."""

import os
import re
from pathlib import Path

import pytest

from espnet_soups.recipes.copy import copy_recipe, environment_lines
from espnet_soups.recipes.folders import CLONED, recipe_names, recipes_root
from espnet_soups.recipes.left_out import FOLDERS, is_left_out
from tools import package_recipes

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["asterisk", "covost2", "debian_speech", "librispeech_aishell"])
def test_every_file_of_a_recipe_arrives_with_its_content_and_its_mode(name: str, tmp_path: Path):
    target = tmp_path / "new" / ".." / "mine"
    (tmp_path / "new").mkdir()
    copy_recipe(name, target)
    source = ROOT / "egs2" / name / "msp1"
    looked_at = 0
    for path in source.rglob("*"):
        own = path.relative_to(source)
        if is_left_out(own) or path.is_dir():
            continue
        looked_at += 1
        copy = tmp_path / "mine" / own
        assert copy.read_bytes() == path.read_bytes(), own
        assert copy.stat().st_mode == path.stat().st_mode, own
    assert looked_at > 15
    assert (tmp_path / "mine" / "scripts" / "stages.sh").is_file()
    assert not (tmp_path / "mine" / "scripts").is_symlink()
    assert not (tmp_path / "mine" / "RESULTS.md").exists()
    assert f"MAIN_ROOT={ROOT}\n" in (tmp_path / "mine" / "path.soups.sh").read_text()


def test_links_inside_a_recipe_stay_links_since_they_name_experiments(tmp_path: Path):
    copy_recipe("asterisk", tmp_path / "mine")
    config = tmp_path / "mine" / "conf" / "train_msp.yaml"
    assert re.fullmatch(r"tuning/train_msp_\w+\.yaml", os.readlink(config))
    assert config.resolve().is_relative_to(tmp_path.resolve())


def test_what_runs_and_studies_have_made_is_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    recipe = tmp_path / "egs2" / "tones" / "msp1"
    made = ("data", "data_uneven", "dump", "dump_uneven", "exp/msp_a", "exp_uneven/msp_b")
    for name in (*made, "local"):
        (recipe / name).mkdir(parents=True)
        (recipe / name / "text").touch()
    for name in ("exp/msp_a", "exp_uneven/msp_b"):
        (recipe / name / "latest.pth").symlink_to("1epoch.pth")
    (recipe / "local" / "data_rows.py").touch()
    (recipe / "run.sh").write_text("true\n")
    (recipe / "again.sh").symlink_to("run.sh")
    monkeypatch.setattr("espnet_soups.recipes.copy.recipes_root", lambda: tmp_path / "egs2")
    copy_recipe("tones", tmp_path / "mine")
    assert os.readlink(tmp_path / "mine" / "again.sh") == "run.sh"
    assert {path.name for path in (tmp_path / "mine").iterdir()} == {
        *("again.sh", "local", "run.sh", "path.soups.sh")
    }
    assert {path.name for path in (tmp_path / "mine" / "local").iterdir()} == {
        *("data_rows.py", "text")
    }
    assert {path.as_posix() for path in package_recipes.recipe_files(tmp_path / "egs2")} == {
        f"tones/msp1/{name}" for name in ("again.sh", "run.sh", "local/data_rows.py", "local/text")
    }


def test_an_unknown_recipe_and_a_folder_with_content_are_refused(tmp_path: Path):
    with pytest.raises(ValueError, match=r"There is no recipe 'astrisk': choose one of asterisk, "):
        copy_recipe("astrisk", tmp_path / "mine")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").touch()
    with pytest.raises(ValueError, match=r"full is there already and not empty: name a new folder"):
        copy_recipe("asterisk", tmp_path / "full")
    assert [path.name for path in tmp_path.rglob("*")] == ["full", "thesis.tex"]


def test_a_copy_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def fail(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("espnet_soups.recipes.copy._bring", fail)
    with pytest.raises(OSError, match="No space left"):
        copy_recipe("asterisk", tmp_path / "mine")
    assert not list(tmp_path.iterdir())


def test_without_a_clone_the_python_is_named_and_one_without_the_command_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    root = tmp_path / "site-packages" / "espnet_soups" / "recipes" / "egs2"
    (tmp_path / "bin").mkdir()
    monkeypatch.setattr("sys.executable", str(tmp_path / "bin" / "python3"))
    with pytest.raises(ValueError, match=r"Recipes call `python`, but .*bin has none beside"):
        environment_lines(root)
    (tmp_path / "bin" / "python").touch()
    assert f"soups_python={tmp_path}/bin/python\n" in environment_lines(root)


def test_git_leaves_out_the_same_folders_of_a_recipe():
    lines = (ROOT / ".gitignore").read_text().splitlines()
    above = "egs2/*/*/"
    assert {line.removeprefix(above) for line in lines if line.startswith(above)} == {
        f"{pattern}/" for pattern in FOLDERS
    }


def test_the_build_finds_the_recipes_without_results():
    assert recipes_root() == CLONED
    assert "asterisk" in recipe_names(CLONED)
    files = {path.as_posix() for path in package_recipes.recipe_files(CLONED)}
    assert {"TEMPLATE/msp1/scripts/stages.sh", "asterisk/msp1/scripts"} <= files
    assert "asterisk/msp1/RESULTS.md" not in files
