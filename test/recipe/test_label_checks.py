"""Labels and sets are looked at before long work, whenever a run names others."""

from pathlib import Path

from tiny_recipe import run

PLAIN = "--speed_perturb_factors="


def copy_set(recipe: Path, source: str, name: str, prefix: str) -> None:
    """Copy a data dir under other ids."""
    (recipe / "data" / name).mkdir()
    for file in (recipe / "corpus" / source).iterdir():
        lines = file.read_text().splitlines()
        changed = "".join(f"{line[:5]}{prefix}{line[5:]}\n" for line in lines)
        (recipe / "data" / name / file.name).write_text(changed)


def test_test_sets_that_are_named_later_are_checked(recipe: Path):
    first = run(recipe, "--stop_stage", "1", PLAIN)
    assert first.returncode == 0, first.stdout[-3000:] + first.stderr[-3000:]
    assert "warning" not in first.stderr
    copy_set(recipe, "train", "late", "later-")
    later = run(recipe, "--stop_stage", "1", PLAIN, "--test_sets", "test late train")
    assert later.returncode == 0, later.stderr
    assert "stage 1: Data preparation — up to date" in later.stdout
    assert "32 of 32 audio files of data/late are also of the training set" in later.stderr
    assert "data/train is the training set" in later.stderr
    gone = run(recipe, "--stop_stage", "1", PLAIN, "--test_sets", "tset")
    assert "needs data/tset, which does not exist; correct its name" in gone.stderr


def test_labels_that_are_all_too_long_are_refused_before_statistics(recipe: Path):
    path = recipe / "data" / "train" / "text"
    lines = path.read_text().splitlines()
    long = [f"{line.split()[0]} {'ab' * 99}" if line[:2] == "fr" else line for line in lines]
    path.write_text("".join(f"{line}\n" for line in long))
    result = run(recipe, "--stage", "3", "--stop_stage", "9", PLAIN)
    assert result.returncode != 0
    expected = "train/text (asr_fr): all 16 of 16 labels have more tokens than frames"
    assert expected in result.stderr
    assert "stage 4 (Length filter of train) failed" in result.stderr
    assert "stage 5" not in result.stdout
