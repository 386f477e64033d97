"""docs/own_corpus.md: its recipe prepares and checks a corpus."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from shell_blocks import ROOT, blocks_of

sys.path.insert(0, str(ROOT / "test" / "recipe"))

from tiny_recipe import environment, write_corpus

PAGE = ROOT / "docs" / "own_corpus.md"


@pytest.fixture(scope="module")
def mine(tmp_path_factory: pytest.TempPathFactory):
    """The recipe of the page, made by its own words, with a tiny corpus; after stage 1."""
    corpus = tmp_path_factory.mktemp("corpora")
    write_corpus(corpus / "mine")
    name = f"tmp_mine_{os.getpid()}"
    block = next(text for text in blocks_of(PAGE, "bash") if "egs2/mine/msp1" in text)
    assert block.endswith("&& ./run.sh\n")
    block = block.replace("egs2/mine/", f"egs2/{name}/").replace("/corpora/mine", f"{corpus}/mine")
    yield _bash(block.rstrip() + " --stop_stage 1", ROOT), ROOT / "egs2" / name / "msp1"
    shutil.rmtree(ROOT / "egs2" / name)


def _bash(block: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-eu", "-o", "pipefail", "-c", block],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_the_recipe_of_the_page_prepares_and_checks_the_corpus(mine):
    done, recipe = mine
    assert done.returncode == 0, done.stdout + done.stderr
    assert {path.name for path in (recipe / "data").iterdir()} >= {"train", "dev", "test"}


def test_the_command_of_the_page_lists_what_a_run_consists_of(mine):
    _, recipe = mine
    command = next(text for text in blocks_of(PAGE, "bash") if "bin.objectives" in text)
    done = _bash(command, recipe)
    assert done.returncode == 0, done.stderr
    named = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("names")]
    assert named == ["asr_en", "asr_fr"]
