"""The gain of enhancement, read from the files that stages 3 and 11 write."""

import kaldiio
import numpy as np
import pytest
import soundfile

from espnet_soups.objectives.metrics.enhancement_gain import measure_enhancement
from espnet_soups.objectives.objective import Objective

OBJECTIVE = Objective("enh", "enh", label="clean", label_file="clean.scp", label_type="audio")


def write_set(folder, clean, noisy, enhanced):
    """Write features: name -> (utterance -> array)."""
    files = {
        folder / "set" / "clean": clean,
        folder / "set" / "feats": noisy,
        folder / "out" / "enh" / "array": enhanced,
    }
    for path, arrays in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        kaldiio.save_ark(f"{path}.ark", arrays, scp=f"{path}.scp")
    return folder / "set", folder / "out"


def frames(*values):
    return np.stack([np.full(4, value, np.float32) for value in values])


def test_a_gain_is_what_the_distance_per_frame_has_lost(tmp_path):
    clean = {"a": frames(0, 0, 0), "b": frames(1), "c": np.full((1, 4), np.nan, np.float32)}
    noisy = {"a": frames(2, 2, 2), "b": frames(3), "c": frames(1, 1)}
    enhanced = {"a": frames(1, 1, 1), "b": frames(4), "c": frames(1, 1)}
    measured = measure_enhancement(OBJECTIVE, *write_set(tmp_path, clean, noisy, enhanced))
    db = 10.0 / np.log(10.0)
    before, after = 2.0 * db, (3 * 1.0 + 3.0) / 4 * db
    assert measured.values() == {
        "lsd_gain": pytest.approx(before - after),
        "lsd": pytest.approx(after),
    }
    assert measured.without_reference == 1
    assert [entry.head.split()[0] for entry in measured.entries] == ["b", "a"]
    assert measured.details["lsd"]["noisy"] == pytest.approx(before)


def test_samples_are_measured_by_the_ratio_of_each_utterance(tmp_path):
    random = np.random.default_rng(0)
    clean, noise = random.normal(size=(2, 4000)) * 0.1
    noise -= (noise @ clean) / (clean @ clean) * clean
    (tmp_path / "set").mkdir()
    (tmp_path / "out" / "enh").mkdir(parents=True)
    for name, samples in (("clean", clean), ("wav", clean + noise)):
        soundfile.write(tmp_path / f"{name}.wav", samples, 8000, subtype="DOUBLE")
        (tmp_path / "set" / f"{name}.scp").write_text(f"a {tmp_path / f'{name}.wav'}\n")
    array = tmp_path / "out" / "enh" / "array"
    kaldiio.save_ark(
        f"{array}.ark", {"a": (clean + 0.1 * noise).astype(np.float32)}, scp=f"{array}.scp"
    )
    measured = measure_enhancement(OBJECTIVE, tmp_path / "set", tmp_path / "out")
    values = measured.values()
    assert set(values) == {"si_sdr_gain", "si_sdr"}
    assert values["si_sdr_gain"] == pytest.approx(20.0, abs=0.05)


def test_other_lengths_and_missing_references_are_refused(tmp_path):
    one = {"a": frames(0, 0)}
    with pytest.raises(ValueError, match="the enhanced speech of a has shape"):
        measure_enhancement(OBJECTIVE, *write_set(tmp_path / "x", one, one, {"a": frames(0)}))
    both = {**one, "b": frames(1)}
    with pytest.raises(ValueError, match=r"1 utterances that .* lacks, first b"):
        measure_enhancement(OBJECTIVE, *write_set(tmp_path / "y", one, one, both))
    absent = {"a": np.full((1, 4), np.nan, np.float32)}
    with pytest.raises(ValueError, match="has no clean speech"):
        measure_enhancement(OBJECTIVE, *write_set(tmp_path / "z", absent, one, one))
