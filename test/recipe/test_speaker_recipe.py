"""Speaker verification through all stages, beside recognition, on made-up voices."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import soundfile
from tiny_recipe import CONFIG, FS, run

from espnet_soups.bin.make_trials import main as make_trials
from espnet_soups.files import read_table, write_table

# Speakers of each set: one of the validation set is no stranger, those of the test set all are.
SPEAKERS = {"train": range(6), "dev": (0, 6), "test": range(7, 12)}
TAKES = {"train": 6, "dev": 3, "test": 4}
WORDS = ("--train_config", "conf/train_spk.yaml", "--asr_langs", "en", "--st_pairs=")
WORDS += ("--objectives", "spk", "--msp_tag", "spk", "--speed_perturb_factors=")
SETTINGS = """
objectives:
    spk: {pooling: attention, embedding_size: 8, scale: 10.0}
"""


def speak(speaker: int, word: str, random: np.random.Generator) -> np.ndarray:
    """Return samples: a tone per letter, over the harmonics of a voice."""
    letters = np.concatenate([np.sin(np.arange(1200) * (0.3 + 0.2 * (ord(c) - 97))) for c in word])
    time = np.arange(len(letters)) / FS
    pitch = 90.0 + 17.0 * speaker + random.normal()
    voice = sum(np.sin(2 * np.pi * pitch * n * time) / n ** (speaker % 3) for n in range(1, 6))
    return 0.1 * letters + 0.1 * voice + 0.01 * random.normal(size=len(letters))


def write_voices(recipe: Path) -> None:
    """Replace the corpus of the recipe by one of speakers, and its levels."""
    random = np.random.default_rng(0)
    shutil.rmtree(recipe / "corpus")
    for name, speakers in SPEAKERS.items():
        tables: dict[str, dict[str, str]] = {
            file: {} for file in ("wav.scp", "text", "utt2lang", "utt2spk")
        }
        (recipe / "corpus" / name).mkdir(parents=True)
        for speaker in speakers:
            for take in range(TAKES[name]):
                key = f"v{speaker:02d}-{name}{take}"
                word = "".join(random.choice(list("abcde"), random.integers(4, 7)))
                path = recipe / "corpus" / f"{key}.wav"
                soundfile.write(path, speak(speaker, word, random), FS)
                row = (str(path), word, "en", f"v{speaker:02d}")
                for table, value in zip(tables.values(), row, strict=True):
                    table[key] = value
        for file, table in tables.items():
            write_table(recipe / "corpus" / name / file, table)
    config = CONFIG.replace("order: USA", "order: KA")
    (recipe / "conf" / "train_spk.yaml").write_text(config + SETTINGS)


def test_all_stages_run_from_voices_to_error_rates_of_trials_with_intervals(recipe: Path):
    write_voices(recipe)
    warned = run(recipe, *WORDS, "--stop_stage", "1", "--skip_stages", "0")
    assert "warning: spk will not be scored on test: data/test/trials is missing" in warned.stderr
    make_trials(["--data_dir", str(recipe / "data" / "test")])
    first = run(recipe, *WORDS, timeout=900)
    assert first.returncode == 0, first.stdout[-3000:] + first.stderr[-3000:]
    assert "data/spk_classes/classes.txt: 6 classes: v00 6" in first.stdout
    exp = recipe / "exp" / "msp_spk"
    levels = json.loads((exp / "soup.jsonl").read_text().splitlines()[0])["levels"]
    assert [level["objectives"] for level in levels] == [["asr_en"], ["spk"]]
    decoded = exp / "decode_msp_valid.acc.ave" / "test"
    assert len(read_table(decoded / "spk" / "array.scp")) == 20
    scores = json.loads((decoded / "scores.json").read_text())["objectives"]
    assert set(scores) == {"asr_en", "spk"}
    assert scores["spk"]["drawn"] == "5 speakers"
    assert scores["spk"]["utterances"] == 60
    for name in ("eer", "min_dcf_001", "min_dcf_005"):
        low, value, high = (scores["spk"][name][end] for end in ("low", "value", "high"))
        assert 0.0 <= low <= high
        assert 0.0 <= value <= 100.0
    assert scores["spk"]["eer"]["value"] < 45.0  # training has done something
    report = (exp / "RESULTS.md").read_text()
    assert "### EER and minDCF(0.01)" in report
    assert "| objective | Snt | EER % | minDCF(0.01) | minDCF(0.05) |" in report
    assert re.search(r"\n\| spk \| 60 \| \d+\.\d\d \[", report)
    assert "cosine" in (decoded / "spk" / "alignment.txt").read_text()
    for name in ("loss", "acc"):
        assert f"{name}/spk" in (exp / "train.log").read_text()


def test_another_list_of_trials_is_scored_without_decoding_again(recipe: Path):
    path = recipe / "data" / "test" / "trials"
    lines = path.read_text().splitlines()
    path.write_text("".join(f"{line}\n" for line in lines if not line.startswith("v07")))
    result = run(recipe, *WORDS, "--stage", "11")  # from stage 3 on, features would be made anew
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    assert "Decoding test — up to date" in result.stdout
    assert "stage 12: Scoring test (" in result.stdout
    decoded = recipe / "exp" / "msp_spk" / "decode_msp_valid.acc.ave" / "test"
    scores = json.loads((decoded / "scores.json").read_text())["objectives"]["spk"]
    assert scores["utterances"] < 60
