"""Audio files: read whatever soundfile reads, refuse with the file's name."""

import errno
import os

import numpy as np
import pytest
import soundfile

from espnet_soups.data.audio import change_speed, read_audio, write_flac


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3"])
def test_formats_are_read(tmp_path, suffix):
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(8000) / 8000)
    soundfile.write(tmp_path / f"a.{suffix}", tone, 8000)
    samples = read_audio(tmp_path / f"a.{suffix}", 8000)
    assert samples.dtype == np.float32
    spectrum = np.abs(np.fft.rfft(samples[:8000]))
    assert abs(int(spectrum.argmax()) - 440) <= 2


def test_channels_are_averaged(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.array([[0.5, 0.1], [0.2, -0.2]]), 8000, subtype="FLOAT")
    np.testing.assert_allclose(read_audio(tmp_path / "a.wav", 8000), [0.3, 0.0], atol=1e-7)


def test_another_rate_is_refused_or_resampled(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros(16000), 16000)
    with pytest.raises(ValueError, match=r"a\.wav has 16000 Hz, but 8000 Hz are expected"):
        read_audio(tmp_path / "a.wav", 8000)
    assert len(read_audio(tmp_path / "a.wav", 8000, resample=True)) == 8000


def test_a_corrupt_an_empty_and_a_missing_file_are_named(tmp_path):
    (tmp_path / "corrupt.wav").write_bytes(b"RIFF and nothing else")
    soundfile.write(tmp_path / "empty.wav", np.zeros(0), 8000)
    with pytest.raises(ValueError, match=r"corrupt\.wav cannot be read"):
        read_audio(tmp_path / "corrupt.wav", 8000)
    with pytest.raises(ValueError, match=r"empty\.wav has no samples"):
        read_audio(tmp_path / "empty.wav", 8000)
    with pytest.raises(FileNotFoundError, match=r"none\.wav does not exist"):
        read_audio(tmp_path / "none.wav", 8000)


@pytest.mark.parametrize("factor", [0.9, 1.1])
def test_speed_changes_length_and_pitch_together(factor):
    tone = np.sin(2 * np.pi * 440 * np.arange(8000) / 8000).astype(np.float32)
    faster = change_speed(tone, factor)
    assert abs(len(faster) - 8000 / factor) <= 1
    spectrum = np.abs(np.fft.rfft(faster))
    frequency = spectrum.argmax() * 8000 / len(faster)
    assert abs(frequency - 440 * factor) < 2


def test_flac_is_read_back(tmp_path):
    samples = np.random.default_rng(0).uniform(-0.9, 0.9, 500).astype(np.float32)
    write_flac(tmp_path / "a.flac", samples, 8000)
    np.testing.assert_allclose(read_audio(tmp_path / "a.flac", 8000), samples, atol=2**-15)
    assert [path.name for path in tmp_path.iterdir()] == ["a.flac"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")
def test_a_full_disk_is_told_with_the_file_and_leaves_none(tmp_path):
    (tmp_path / f".a.flac.{os.getpid()}.tmp").symlink_to("/dev/full")
    with pytest.raises(OSError, match=r"a\.flac") as caught:
        write_flac(tmp_path / "a.flac", np.zeros(500, dtype=np.float32), 8000)
    assert caught.value.errno == errno.ENOSPC
    assert list(tmp_path.iterdir()) == []


def test_floating_point_audio_of_the_size_of_integers_is_refused_in_one_sentence(tmp_path):
    samples = np.linspace(-9000.0, 9000.0, 800, dtype=np.float32)
    soundfile.write(tmp_path / "a.wav", samples, 8000, subtype="FLOAT")
    with pytest.raises(ValueError, match=r"a\.wav has samples up to 9,000, but floating.*32768\.$"):
        read_audio(tmp_path / "a.wav", 8000)
    soundfile.write(tmp_path / "a.wav", samples / 6000, 8000, subtype="FLOAT")
    assert np.abs(read_audio(tmp_path / "a.wav", 8000)).max() == pytest.approx(
        1.5
    )  # loud, but real


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_one_sample_that_is_no_number_is_told_with_its_file_and_place(tmp_path, value):
    samples = np.zeros(8000, dtype=np.float32)
    samples[2000] = value
    soundfile.write(tmp_path / "a.wav", samples, 8000, subtype="FLOAT")
    said = r"a\.wav has NaN or infinity in 1 of 8,000 samples, first at 0\.250 s; replace it"
    with pytest.raises(ValueError, match=said):
        read_audio(tmp_path / "a.wav", 8000)
