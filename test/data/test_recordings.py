"""Recordings are found by file, folder and pipe, and refused by name."""

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from espnet_soups.data.recordings import find_recordings, read_recording


def test_folders_are_searched_and_results_are_called_by_their_paths(tmp_path: Path):
    for name in ("a.wav", "talks/day1/b.FLAC", "talks/day2/b.flac", "talks/notes.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    named = [str(tmp_path / "a.wav"), str(tmp_path / "talks"), "-"]
    assert find_recordings(named) == {
        "a": named[0],
        "day1/b": f"{named[1]}/day1/b.FLAC",
        "day2/b": f"{named[1]}/day2/b.flac",
        "stdin": "-",
    }
    both = [f"{named[1]}/day1/b.FLAC", f"{named[1]}/day2/b.flac"]
    with pytest.raises(ValueError, match=r"would both be written as b: name them in two calls"):
        find_recordings(both)
    (tmp_path / "talks" / "day1" / "b.mp3").touch()
    said = r"b\.FLAC and .*b\.mp3 would both be written as day1/b"
    with pytest.raises(ValueError, match=said):  # none of them is left out in silence
        find_recordings([named[1]])


def test_of_a_folder_links_that_lead_nowhere_are_found_and_folders_are_not(tmp_path: Path):
    (tmp_path / "x.wav").mkdir()
    (tmp_path / "gone.wav").symlink_to(tmp_path / "nowhere.wav")
    (tmp_path / "x.wav" / "a.wav").touch()
    assert list(find_recordings([str(tmp_path)])) == ["gone", "x.wav/a"]


def test_a_missing_file_and_an_empty_folder_are_named(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match=r"Audio file .*none\.wav does not exist"):
        find_recordings([str(tmp_path / "none.wav")])
    with pytest.raises(FileNotFoundError, match=r"holds no recording \(\.aif, "):
        find_recordings([str(tmp_path)])


def test_a_piped_file_is_read_like_the_file_itself(tmp_path: Path):
    path = tmp_path / "a.wav"
    soundfile.write(path, np.random.default_rng(0).uniform(-0.5, 0.5, (500, 2)), 44100)
    samples, rate = read_recording(str(path))
    piped, piped_rate = read_recording("-", io.BytesIO(path.read_bytes()))
    assert rate == piped_rate == 44100
    np.testing.assert_array_equal(piped, samples)
    assert samples.shape == (500,)


@pytest.mark.parametrize("content", [b"", b"some words\n"])
def test_a_pipe_without_audio_is_refused_in_one_sentence(content: bytes):
    said = r"^Standard input cannot be read: .*; pipe a whole file with its header, such as WAV\.$"
    with pytest.raises(ValueError, match=said):
        read_recording("-", io.BytesIO(content))
