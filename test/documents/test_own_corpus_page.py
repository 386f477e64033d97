"""docs/own_corpus.md: its recipe prepares and checks a corpus, its script cuts long recordings."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
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


def test_the_script_of_the_page_cuts_recordings_at_their_segments(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    old = tmp_path / "data" / "long"
    old.mkdir(parents=True)
    samples = np.linspace(-0.5, 0.5, 16000).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", samples, 8000, subtype="FLOAT")
    (old / "wav.scp").write_text(f"a {tmp_path}/a.wav\n")
    (old / "segments").write_text("a-1 a 0.25 0.75\na-2 a 1.0 2.0\n")
    (script,) = blocks_of(PAGE, "python")
    exec(compile(script, str(PAGE), "exec"), {})
    lines = (tmp_path / "data" / "train" / "wav.scp").read_text().splitlines()
    assert [line.split()[0] for line in lines] == ["a-1", "a-2"]
    cut, rate = soundfile.read(lines[0].split(maxsplit=1)[1])
    assert rate == 8000
    np.testing.assert_allclose(cut, samples[2000:6000], atol=1e-4)
    assert soundfile.info(lines[1].split(maxsplit=1)[1]).frames == 8000
    assert re.search(r"a-2 a 1.0 2.0", (old / "segments").read_text())
