"""Utterances that are parts of recordings."""

import numpy as np
import pytest
import soundfile

from espnet_soups.data.audio import read_audio
from espnet_soups.data.check_audio import check_audio
from espnet_soups.data.combine import combine_data_dirs
from espnet_soups.data.data_dir import read_data_dir, write_data_dir
from espnet_soups.data.dump import dump_set, look_at_first
from espnet_soups.data.features import FeatureConfig
from espnet_soups.data.overlap import find_overlap
from espnet_soups.data.speed import perturb_speed
from espnet_soups.files import read_table, write_table

FS = 8000
SEGMENTS = {"a-1": "talk 0.25 0.75", "a-2": "talk 1 -1"}


@pytest.fixture
def long(tmp_path):
    """A data dir of two utterances of one recording."""
    soundfile.write(tmp_path / "t.wav", np.random.default_rng(0).uniform(-0.5, 0.5, 2 * FS), FS)
    tables = {
        "wav.scp": {"talk": str(tmp_path / "t.wav")},
        "segments": SEGMENTS,
        "text": {"a-1": "one", "a-2": "two"},
        "utt2lang": dict.fromkeys(SEGMENTS, "en"),
        "utt2spk": dict.fromkeys(SEGMENTS, "a"),
        "spk2utt": {"a": "a-1 a-2"},
    }
    for name, table in tables.items():
        write_table(tmp_path / "long" / name, table)
    return tmp_path / "long"


def test_segments_are_cut_out_of_their_recording(long, tmp_path):
    data = read_data_dir(long)
    check_audio(data)
    whole = soundfile.read(tmp_path / "t.wav", dtype="float32")[0]
    np.testing.assert_array_equal(read_audio(data.audio["a-1"], FS), whole[2000:6000])
    np.testing.assert_array_equal(read_audio(data.audio["a-2"], FS), whole[8000:])
    look_at_first(long, FeatureConfig("raw", FS), resample=False)
    assert find_overlap(data.keep(["a-1"]), data.keep(["a-2"])).audio == ["a-2"]


def test_a_part_keeps_the_settings_of_its_recording(long):
    write_table(long / "wav.scp", {"talk": "talk.wav#fs=8000&speed=1.1"})
    assert read_data_dir(long).audio["a-1"] == "talk.wav#t=0.25,0.75&fs=8000&speed=1.1"


def test_sets_made_of_it_need_no_segments(long, tmp_path):
    write_data_dir(perturb_speed(read_data_dir(long), [1.0, 0.9], tmp_path / "sp"))
    write_table(long / "clean.scp", {"talk": "clean.wav"})
    combine_data_dirs([long], tmp_path / "all")
    assert read_table(tmp_path / "all" / "clean.scp")["a-1"] == "clean.wav#t=0.25,0.75"
    for name in ("sp", "all"):
        assert not (tmp_path / name / "segments").exists()
        assert read_data_dir(tmp_path / name).audio["a-1"].endswith("t.wav#t=0.25,0.75")


@pytest.mark.parametrize("resample", [False, True])
def test_raw_audio_in_place_is_what_a_copy_would_be(long, tmp_path, resample):
    data = perturb_speed(read_data_dir(long), [1.0, 0.9], tmp_path / "sp")
    config = FeatureConfig("raw", 16000 if resample else FS)
    for name, copies in (("copied", True), ("in_place", False)):
        dump_set(data, tmp_path / name, config, 1, resample, copies=copies)
    copied, in_place = (read_table(tmp_path / n / "wav.scp") for n in ("copied", "in_place"))
    assert copied.keys() == in_place.keys() == data.audio.keys()
    for key, place in in_place.items():
        expected = read_audio(copied[key], config.fs)
        np.testing.assert_allclose(read_audio(place, config.fs), expected, atol=2**-16)
    for name in ("utt2num_samples", "speech.digest"):
        assert read_table(tmp_path / "in_place" / name) == read_table(tmp_path / "copied" / name)
    assert not list((tmp_path / "in_place").rglob("*.flac"))


@pytest.mark.parametrize(
    ("segment", "said"),
    [
        ("other 0 1", r"segments: a-1 is a part of other, which \S+wav\.scp lacks"),
        ("talk 1 0.5", r"segments: a-1 is no part of a recording: `t` must have a begin from 0 on"),
        ("talk -1 -1", r"`t` must have a begin from 0 on, before its end, but got -1\.0,None"),
        ("talk nan 1", r"`t` must have a begin from 0 on, before its end, but got nan,1\.0"),
        ("talk 1 inf", r"`t` must have a begin from 0 on, before its end, but got 1\.0,inf"),
        ("talk 0 1 1", r"has 'talk 0 1 1'; expected `utterance recording begin end`"),
        ("talk 0 x", r"segments: a-1 is no part of a recording"),
    ],
)
def test_a_segment_of_nothing_is_refused(long, segment, said):
    write_table(long / "segments", SEGMENTS | {"a-1": segment})
    with pytest.raises(ValueError, match=said):
        read_data_dir(long)


def test_no_pipe_is_hidden_by_a_segment(long):
    write_table(long / "wav.scp", {"talk": "sox a.wav -t wav - |"})
    with pytest.raises(ValueError, match="talk is a pipe"):
        read_data_dir(long)
