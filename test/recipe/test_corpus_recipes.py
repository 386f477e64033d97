"""The recipes of public corpora, run as a user runs them, on miniatures of their real layout."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from espnet_soups.testing.miniature_corpora import (
    write_aishell,
    write_common_voice,
    write_covost_table,
    write_librispeech,
)

ROOT = Path(__file__).parents[2]
Recipe = Callable[[str], Path]
CONFIG = """
encoder: conformer
encoder_conf: {output_size: 16, attention_heads: 2, linear_units: 32, num_blocks: 1,
    input_layer: linear}
encoding: pooled
normalize: global_mvn
optim: adam
batch_type: numel
batch_bins: 16000
"""


@pytest.fixture
def recipe() -> Iterator[Recipe]:
    """Gives a function that copies a recipe beside itself, where its links lead too."""
    made: list[Path] = []

    def copy(name: str) -> Path:
        folder = ROOT / "egs2" / f"tmp_{name}_{os.getpid()}" / "msp1"
        made.append(folder.parent)
        names = ("data", "dump", "exp", "downloads")
        shutil.copytree(
            ROOT / "egs2" / name / "msp1",
            folder,
            symlinks=True,
            ignore=shutil.ignore_patterns(*names),
        )
        return folder

    yield copy
    for folder in made:
        shutil.rmtree(folder)


def run(folder: Path, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs a command in a recipe with this very Python and this very source tree."""
    environment = os.environ | variables
    environment |= {"VIRTUAL_ENV": sys.prefix, "PYTHONPATH": str(ROOT)}
    environment["PATH"] = f"{Path(sys.prefix) / 'bin'}:{os.environ['PATH']}"
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_librispeech_and_aishell_get_pieces_for_english_and_characters_for_mandarin(
    recipe: Recipe, tmp_path: Path
):
    folder = recipe("librispeech_aishell")
    speakers = {subset: {"19": "F"} for subset in ("dev-clean", "test-clean", "test-other")}
    speakers |= {"train-clean-100": {"26": "M", "27": "F"}, "dev-other": {"116": "M"}}
    write_librispeech(tmp_path / "en", speakers)
    sets = {"train": {"S0002": "F"}, "dev": {"S0724": "F"}, "test": {"S0764": "M"}}
    write_aishell(tmp_path / "zh", sets, ["而  对 楼市", "ａｂ 歌"])
    (folder / "conf" / "tiny.yaml").write_text(CONFIG)
    words = ["./run.sh", "--train_config", "conf/tiny.yaml", "--asr_nbpe", "16", "--nj", "1"]
    corpora = {"LIBRISPEECH": str(tmp_path / "en"), "AISHELL": str(tmp_path / "zh")}
    result = run(folder, *words, "--stop_stage", "1", **corpora)
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-2000:]
    shutil.copytree(folder / "data" / "train", folder / "dump" / "fbank" / "train")  # stages 3, 4
    fifth = run(folder, *words, "--stage", "5", "--stop_stage", "5", **corpora)
    assert fifth.returncode == 0, fifth.stdout[-2000:] + fifth.stderr[-2000:]
    assert "data/test_clean: 2 utterances; labels: asr_en 2" in result.stdout
    assert "data/test_aishell: 2 utterances; labels: asr_zh 2" in result.stdout
    tokens = folder / "data" / "zh_token_list" / "bpe_char" / "tokens.txt"
    characters = tokens.read_text(encoding="utf-8").split()
    assert set(characters[2:-1]) == set("而对楼市AB歌")
    english = folder / "data" / "en_token_list" / "bpe_unigram16" / "tokens.txt"
    assert len(english.read_text().split()) == 18
    genders = (folder / "data" / "train" / "spk2gender").read_text()
    assert genders == "en_26 m\nen_27 f\nzh_S0002 f\n"


def test_covost_data_are_made_for_the_directions_of_the_run(recipe: Recipe, tmp_path: Path):
    folder = recipe("covost2")
    write_common_voice(tmp_path / "en", "en", {"1": "One.", "2": "Two.", "3": "Three."})
    rows = [("1", "Eins.", "train"), ("2", "Zwei.", "dev"), ("3", "Drei.", "test")]
    write_covost_table(folder / "downloads", "en_de", rows)
    words = ["--asr_langs", "en", "--st_pairs", "en_de", "--nj", "1", "--tgt_case", "lc"]
    result = run(folder, "local/data.sh", *words, COMMONVOICE=str(tmp_path))
    assert result.returncode == 0, result.stderr[-2000:]
    text = (folder / "data" / "test" / "text.de").read_text()
    assert text.endswith("-common_voice_en_3 drei.\n")
    assert len(list((folder / "data" / "audio" / "en").rglob("*.flac"))) == 3


def test_covost_without_common_voice_says_where_to_get_it(recipe: Recipe, tmp_path: Path):
    folder = recipe("covost2")
    result = run(folder, "local/data.sh", COMMONVOICE="")
    assert result.returncode == 1
    assert "COMMONVOICE is empty" in result.stderr
    result = run(folder, "local/data.sh", "--asr_langs", "fr", COMMONVOICE=str(tmp_path))
    assert result.returncode == 1
    assert "11.6 GB" in result.stderr
    assert "Traceback" not in result.stderr
