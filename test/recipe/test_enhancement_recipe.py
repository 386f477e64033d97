"""Enhancement through all stages: noise is added, both audios are kept, a gain is reported."""

import json
import re
import shutil
from pathlib import Path

import kaldiio
import pytest
from tiny_recipe import CONFIG, run

NOISY = "generated_snr0to10"
NAME = f"msp_noisy_fbank_char_enh_penalty0.5_0.25_{NOISY}_sp"
WORDS = ("--objectives", "enh", "--noise", "generated", "--noise_snr", "0 10")
WORDS += ("--penalty", "0.5 0.25")


def write_config(recipe: Path) -> str:
    """Write a configuration with enhancement below recognition; return its path in the recipe."""
    config = CONFIG.replace("order: USA", "order: NSA").replace("max_epoch: 2", "max_epoch: 4")
    (recipe / "conf" / "train_msp_noisy.yaml").write_text(config)
    return "conf/train_msp_noisy.yaml"


def test_a_noisy_corpus_is_recognised_and_enhanced(recipe: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(recipe)  # tables of features name them from there
    words = (*WORDS, "--train_config", write_config(recipe))
    first = run(recipe, *words, timeout=1800)
    assert first.returncode == 0, first.stdout[-3000:] + first.stderr[-3000:]
    assert f"data/test_{NOISY}: 8 utterances; noises: " in first.stdout
    assert "level 2 (penalty 0.5): st_fr_en\n  level 3 (penalty 0.25): enh\n" in first.stdout
    decoded = recipe / "exp" / NAME / "decode_msp_valid.acc.ave" / f"test_{NOISY}"
    scores = json.loads((decoded / "scores.json").read_text())
    assert set(scores["objectives"]) == {"asr_en", "asr_fr", "st_fr_en", "enh"}
    assert scores["objectives"]["enh"]["utterances"] == 8
    assert scores["objectives"]["enh"]["lsd_gain"]["value"] > 0.0
    results = (recipe / "exp" / NAME / "RESULTS.md").read_text()
    assert "LSD gain" in results
    enhanced = kaldiio.load_scp(str(decoded / "enh" / "array.scp"))
    (features,) = recipe.glob("dump/fbank*_clean.scp")
    noisy = kaldiio.load_scp(str(features / f"test_{NOISY}" / "feats.scp"))
    assert {key: value.shape for key, value in enhanced.items()} == {
        key: value.shape for key, value in noisy.items()
    }
    copies = kaldiio.load_scp(str(features / f"train_{NOISY}_sp" / "clean.scp"))
    assert "sp0.9-fr_a-train00" in copies
    second = run(recipe, *words)
    assert "All stages are up to date" in second.stdout
    shutil.rmtree(recipe / "dump" / "noise")
    third = run(recipe, *words, "--stop_stage", "2")
    assert third.returncode == 0, third.stderr
    assert re.search(r"2: Noise for test \(again, since dump/noise/.* is gone\)", third.stdout)


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("--noise_snr=20", "--noise_snr must be two numbers such as '0 20', but got '20'"),
        ("--noise=nowhere", "needs nowhere, which does not exist"),
    ],
)
def test_noise_that_cannot_be_added_is_refused(recipe: Path, word: str, message: str):
    config = write_config(recipe)
    result = run(recipe, *WORDS, "--train_config", config, "--stop_stage", "2", word)
    assert result.returncode != 0
    assert message in result.stderr
