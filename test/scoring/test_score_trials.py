"""A decoded set of embeddings: scores, listing and tables; a set without trials leaves it out."""

import kaldiio
import numpy as np
import pytest

from espnet_soups.bin.make_trials import main as make_trials
from espnet_soups.files import write_table
from espnet_soups.objectives.metrics.score_config import ScoreConfig
from espnet_soups.report.score_tables import render_tables
from espnet_soups.scoring.compare import compare_decodings
from espnet_soups.scoring.score_set import score_set
from espnet_soups.scoring.score_table import render_table

CONFIG = ScoreConfig(resamples=100)


def write_set(folder, noise):
    """Write a data dir of six speakers and a decoded set; the second argument blurs voices."""
    random = np.random.default_rng(0)
    speakers = {f"s{number}_{take}": f"s{number}" for number in range(6) for take in range(4)}
    write_table(folder / "data" / "test" / "utt2spk", speakers)
    write_table(folder / "data" / "test" / "utt2lang", dict.fromkeys(speakers, "en"))
    voices = {name: random.normal(size=8) for name in sorted(set(speakers.values()))}
    arrays = {
        key: (voices[name] + noise * random.normal(size=8)).astype(np.float32)
        for key, name in speakers.items()
    }
    decoded = folder / f"decoded_{noise}" / "spk"
    decoded.mkdir(parents=True)
    kaldiio.save_ark(str(decoded / "array.ark"), arrays, scp=str(decoded / "array.scp"))
    return folder / "data" / "test", decoded.parent


def test_embeddings_are_scored_listed_and_tabled(tmp_path):
    data, decoded = write_set(tmp_path, noise=1.0)
    make_trials(["--data_dir", str(data)])
    scores = score_set(data, decoded, CONFIG)
    spk = scores["objectives"]["spk"]
    assert spk["drawn"] == "6 speakers"
    assert spk["eer"]["targets"] == 36
    assert spk["eer"]["low"] <= spk["eer"]["value"] <= spk["eer"]["high"]
    assert spk["eer"]["low"] < spk["eer"]["high"]
    listing = (decoded / "spk" / "alignment.txt").read_text()
    assert listing.startswith(f"spk: EER {spk['eer']['value']:.2f} % of 72 trials (36 target)")
    terminal = render_table(scores)
    assert "EER %" in terminal
    assert "[ , ] of spk: over 6 speakers" in terminal
    heading, rows = render_tables(scores)
    assert heading == "### EER and minDCF(0.01)"
    assert "| objective | Snt | EER % | minDCF(0.01) | minDCF(0.05) |" in rows
    assert f"| spk | 72 | {spk['eer']['value']:.2f} [" in rows


def test_a_system_with_clearer_voices_wins_on_the_same_draws(tmp_path):
    data, blurred = write_set(tmp_path, noise=2.0)
    _, clear = write_set(tmp_path, noise=0.2)
    make_trials(["--data_dir", str(data)])
    difference = compare_decodings(data, blurred, clear, CONFIG).differences["eer"]["spk"]
    assert difference.second < difference.first
    assert difference.high < 0.0
    assert difference.p_value < 0.05


def test_a_set_without_trials_cannot_be_scored_on_it_alone(tmp_path):
    data, decoded = write_set(tmp_path, noise=1.0)
    with pytest.raises(ValueError, match=r"nothing can be scored: .*trials is missing; put a list"):
        score_set(data, decoded, CONFIG)
