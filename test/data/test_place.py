"""Parts of audio files, against slices of the whole file."""

import tarfile

import numpy as np
import pytest
import soundfile

from espnet_soups.data.audio import change_speed, rate_of, read_audio, resample_audio
from espnet_soups.data.place import Place, read_place

FS = 8000


@pytest.fixture
def talk(tmp_path):
    path = tmp_path / "talk.flac"
    soundfile.write(path, np.random.default_rng(0).uniform(-0.5, 0.5, 2 * FS), FS)
    return path


def test_a_part_is_a_slice_of_the_file(talk):
    whole = soundfile.read(talk, dtype="float32")[0]
    np.testing.assert_array_equal(read_audio(f"{talk}#t=0.5,1.25", FS), whole[4000:10000])
    np.testing.assert_array_equal(read_audio(f"{talk}#t=1.5", FS), whole[12000:])
    np.testing.assert_array_equal(read_audio(f"{talk}#t=1.5,2.4", FS), whole[12000:])
    slow = read_audio(f"{talk}#t=0,1&fs=16000&speed=0.9", 16000)
    np.testing.assert_array_equal(slow, change_speed(resample_audio(whole[:FS], FS, 16000), 0.9))
    assert rate_of(f"{talk}#t=0,1") == FS
    assert rate_of(f"{talk}#t=0,1&fs=16000") == 16000


def test_a_file_inside_a_tar_is_read_by_its_bytes(talk, tmp_path):
    with tarfile.open(tmp_path / "shard.tar", "w") as tar:
        tar.add(__file__, "a.txt")
        tar.add(talk, "talk.flac")
    with tarfile.open(tmp_path / "shard.tar") as tar:
        member = tar.getmember("talk.flac")
    place = f"{tmp_path / 'shard.tar'}#bytes={member.offset_data},{member.size}"
    np.testing.assert_array_equal(read_audio(f"{place}&t=0.5,1", FS), read_audio(talk, FS)[4000:FS])
    assert rate_of(place) == FS
    with pytest.raises(ValueError, match="ends before these bytes do"):
        read_audio(f"{tmp_path / 'shard.tar'}#bytes=512,1000000", FS)


@pytest.mark.parametrize("part", ["t=1.9,2.6", "t=2.5,2.6"])
def test_a_part_beyond_the_end_is_refused(talk, part):
    with pytest.raises(ValueError, match=r"has 2\.000 s, which end before this part does"):
        read_audio(f"{talk}#{part}", FS)


@pytest.mark.parametrize("part", ["t=2,1", "t=1,1", "t=1,2,3", "bytes=5", "fs=0", "speed=0"])
def test_a_part_that_is_none_is_refused(part):
    with pytest.raises(ValueError, match="is no part of a file"):
        read_place(f"a.flac#{part}")


def test_places_are_written_as_they_are_read():
    for text in ("a b#1.wav", "a.wav#t=0.1,2.5", "a.tar#bytes=5,7&t=3&fs=16000&speed=1.1", "a#t=x"):
        assert str(read_place(text)) == text
    assert str(Place("a.wav", seconds=(1e-6, 36000.0))) == "a.wav#t=0.000001,36000"
    assert read_place("a.tar#bytes=5,7&t=3&speed=1.1").recording == "a.tar#bytes=5,7"
