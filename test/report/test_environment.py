"""Where a result comes from."""

import subprocess
from pathlib import Path

import pytest

from espnet_soups.report.environment import cpu_model, describe_environment, git_revision


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    words = ["git", "-C", str(folder), *identity, *arguments]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q")
    folder = tmp_path / "package" / "report"
    folder.mkdir(parents=True)
    (folder / "code.py").write_text("1\n")
    (tmp_path / "RESULTS.md").write_text("1\n")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-q", "-m", "one")
    return folder


def test_the_commit_of_the_checkout_is_given(checkout: Path) -> None:
    assert git_revision(checkout) == git(checkout, "rev-parse", "HEAD")


def test_changed_code_is_dirty_but_a_published_result_is_not(checkout: Path) -> None:
    (checkout.parents[1] / "RESULTS.md").write_text("2\n")
    assert git_revision(checkout) == git(checkout, "rev-parse", "HEAD")
    (checkout / "code.py").write_text("2\n")
    assert git_revision(checkout) == git(checkout, "rev-parse", "HEAD") + "-dirty"


def test_a_folder_that_git_does_not_track_has_no_commit(checkout: Path) -> None:
    untracked = checkout.parent / "site-packages"
    untracked.mkdir()
    assert git_revision(untracked) is None


def test_the_processor_is_named_as_linux_names_it(tmp_path: Path) -> None:
    path = tmp_path / "cpuinfo"
    path.write_text("processor\t: 0\nmodel name\t: Quick CPU @ 2 GHz\n")
    assert cpu_model(path) == "Quick CPU @ 2 GHz"
    assert cpu_model(tmp_path / "missing")


def test_the_environment_names_every_version(capsys) -> None:
    environment = describe_environment()
    for name in ("python", "espnet-soups", "torch", "jiwer", "sacrebleu", "date", "cpu"):
        assert environment[name]
