"""Noisy versions of sets: what is added, how loud it is, and that nothing is left to chance."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile

from espnet_soups.bin.add_noise import main as add_noise_command
from espnet_soups.data.audio import read_audio
from espnet_soups.data.data_dir import DataDir, read_data_dir
from espnet_soups.data.mixture import BABBLE, Mixture, draw_mixture, mix
from espnet_soups.data.noise import NoiseConfig, add_noise, draw_mixtures
from espnet_soups.data.noise_signals import GENERATED, early_part, reverberate, room_response
from espnet_soups.files import read_table

FS = 8000


def write_speech(path: Path, loudness: float = 0.1, seconds: float = 1.0) -> str:
    tone = np.sin(np.arange(int(seconds * FS)) * 0.3)
    soundfile.write(path, loudness * tone, FS, subtype="FLOAT")
    return str(path)


def mixture(audio: str, **changes: object) -> Mixture:
    settings = {"noise": "white", "files": (), "snr": 6.0, "rt60": None, "seed": 1, **changes}
    return Mixture(key="a", audio=audio, **settings)  # type: ignore[arg-type]


def level(samples: np.ndarray) -> float:
    return float(10.0 * np.log10(np.mean(np.square(samples))))


@pytest.mark.parametrize("noise", sorted(GENERATED))
@pytest.mark.parametrize("snr", [-5.0, 12.5])
def test_the_noise_is_as_loud_as_the_ratio_says(tmp_path, noise, snr):
    mixed = mix(mixture(write_speech(tmp_path / "a.wav"), noise=noise, snr=snr))
    assert level(mixed.clean) - level(mixed.noisy - mixed.clean) == pytest.approx(snr, abs=1e-6)
    assert len(mixed.noisy) == len(mixed.clean) == FS
    assert not mixed.softer


def test_recordings_are_cut_or_repeated_resampled_and_as_loud_as_the_ratio_says(tmp_path):
    speech = write_speech(tmp_path / "a.wav")
    for name, seconds, rate in (("short", 0.1, FS), ("long", 3.0, 16000)):
        path = tmp_path / f"{name}.wav"
        noise = np.random.default_rng(0).normal(size=int(seconds * rate))
        soundfile.write(path, 0.1 * noise, rate)
        mixed = mix(mixture(speech, noise=str(path), files=(str(path),)))
        difference = mixed.noisy - mixed.clean
        assert level(mixed.clean) - level(difference) == pytest.approx(6.0, abs=1e-6)
        if name == "short":
            period = int(0.1 * FS)
            np.testing.assert_allclose(difference[:period], difference[period : 2 * period])


def test_loud_mixtures_are_made_softer_both_versions_alike(tmp_path):
    mixed = mix(mixture(write_speech(tmp_path / "a.wav", loudness=0.9), snr=0.0))
    assert mixed.softer
    assert mixed.changed
    assert np.abs(mixed.noisy).max() <= 0.99 + 1e-9
    difference = mixed.noisy - mixed.clean
    assert level(mixed.clean) - level(difference) == pytest.approx(0.0, abs=1e-6)


def test_silence_stays_silent(tmp_path):
    mixed = mix(mixture(write_speech(tmp_path / "a.wav", loudness=0.0)))
    assert mixed.silent
    assert not mixed.noisy.any()


def test_colours_of_noise_fall_as_they_are_called():
    generator = np.random.default_rng(0)
    for name, slope in (("white", 0.0), ("pink", -1.0), ("brown", -2.0)):
        power = np.square(np.abs(np.fft.rfft(GENERATED[name](1 << 16, FS, generator))))[1:]
        bins = np.log(np.arange(1, len(power) + 1))
        assert np.polyfit(bins, np.log(power + 1e-20), 1)[0] == pytest.approx(slope, abs=0.1)


def test_a_room_decays_by_60_db_and_its_early_part_begins_with_the_direct_sound():
    response = room_response(0.5, FS, np.random.default_rng(0))
    assert response[0] == 1.0
    first, last = (np.square(response[start : start + 400]).mean() for start in (1, 3599))
    assert 10.0 * np.log10(first / last) == pytest.approx(60.0 * 3598 / 4000, abs=2.0)
    assert len(early_part(response, FS)) == 400
    samples = np.random.default_rng(1).normal(size=300)
    expected = np.convolve(samples, response)[:300]
    np.testing.assert_allclose(reverberate(samples, response), expected, atol=1e-9)


def test_what_is_drawn_depends_on_seed_and_id_alone():
    files = [f"{number}.wav" for number in range(9)]
    arguments = ([*GENERATED, BABBLE], files, (0.0, 20.0), (0.2, 0.8))
    first = draw_mixture("a", "0.wav", *arguments, 3)
    assert draw_mixture("a", "0.wav", *arguments, 3) == first
    assert draw_mixture("a", "0.wav", *arguments, 4) != first
    many = [draw_mixture(f"utt{n}", "0.wav", *arguments, 0) for n in range(200)]
    assert Counter(item.noise for item in many).keys() == {*GENERATED, BABBLE}
    assert all("0.wav" not in item.files and len(item.files) in (0, 4) for item in many)
    assert all(0.0 <= item.snr <= 20.0 and 0.2 <= item.rt60 <= 0.8 for item in many)


def test_a_set_becomes_noisy_twice_alike_with_its_labels_and_a_table_of_noises(data_dir, tmp_path):
    (data_dir.path / "trials").write_text("en_a-one en_a-two target\n")
    reports = [
        add_noise(data_dir, tmp_path / name, tmp_path / f"{name}_audio", NoiseConfig(seed=1))
        for name in ("one", "two")
    ]
    assert reports[0] == reports[1]
    assert sum(reports[0].noises.values()) == 4
    one, two = (
        read_data_dir(tmp_path / name, audio_labels=["clean.scp"]) for name in ("one", "two")
    )
    assert one.labels["text"] == data_dir.labels["text"]
    assert (one.path / "trials").read_text() == (data_dir.path / "trials").read_text()
    assert one.audio_labels["clean.scp"] == data_dir.audio  # nothing was changed: no copy
    for key, path in one.audio.items():
        noisy, clean = read_audio(path, FS), read_audio(data_dir.audio[key], FS)
        np.testing.assert_array_equal(noisy, read_audio(two.audio[key], FS))
        snr = level(clean) - level(noisy - clean)
        assert snr == pytest.approx(float(one.labels["utt2snr"][key]), abs=0.1)
        assert one.labels["utt2noise"][key] in GENERATED


def test_a_folder_of_noises_is_named_by_place_and_rooms_keep_the_early_part(data_dir, tmp_path):
    (tmp_path / "musan" / "free").mkdir(parents=True)
    write_speech(tmp_path / "musan" / "free" / "fan.wav")
    words = ["--noises", str(tmp_path / "musan"), "--rooms", "0.2", "0.3", "--snr", "5", "5"]
    target = tmp_path / "noisy"
    add_noise_command(
        ["--source", str(data_dir.path), "--target", str(target), *words, "--nj", "1"]
    )
    noisy = read_data_dir(target, audio_labels=["clean.scp"])
    assert set(noisy.labels["utt2noise"].values()) == {"free/fan"}
    assert set(noisy.labels["utt2snr"].values()) == {"5"}
    assert all(0.2 <= float(seconds) <= 0.3 for seconds in noisy.labels["utt2rt60"].values())
    for key, path in noisy.audio_labels["clean.scp"].items():
        assert Path(path).parent.parent == target / "audio"
        assert len(read_audio(path, FS)) == len(read_audio(noisy.audio[key], FS))


def test_what_cannot_be_made_noisy_is_refused(data_dir, tmp_path):
    target, audio = tmp_path / "noisy", tmp_path / "noisy_audio"
    with pytest.raises(
        FileNotFoundError, match=r"no folder .*noises must be generated, or a folder"
    ):
        add_noise(data_dir, target, audio, NoiseConfig(noises=str(tmp_path / "none")))
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="empty holds no audio"):
        add_noise(data_dir, target, audio, NoiseConfig(noises=str(tmp_path / "empty")))
    with pytest.raises(ValueError, match="must be another folder than the set itself"):
        add_noise(data_dir, data_dir.path, audio, NoiseConfig())
    add_noise(data_dir, target, audio, NoiseConfig())
    with pytest.raises(ValueError, match=r"has clean\.scp, so it is noisy already"):
        add_noise(read_data_dir(target), tmp_path / "twice", audio, NoiseConfig())
    with pytest.raises(ValueError, match="--snr"):
        NoiseConfig(snr=(20.0, 0.0))
    with pytest.raises(ValueError, match="--rooms"):
        NoiseConfig(rooms=(0.0, 0.5))
    assert read_table(target / "wav.scp").keys() == data_dir.audio.keys()


def test_a_rate_that_does_not_fit_is_found_before_any_noise_is_added(data_dir, tmp_path):
    words = ["--source", str(data_dir.path), "--target", str(tmp_path / "noisy")]
    words += ["--look_at", str(data_dir.path), "--fs", str(2 * FS)]
    with pytest.raises(ValueError, match=f"has {FS} Hz, but {2 * FS} Hz are expected"):
        add_noise_command(words)
    assert not (tmp_path / "noisy").exists()
    add_noise_command([*words, "--resample", "true", "--nj", "1"])
    assert (tmp_path / "noisy" / "clean.scp").exists()


def test_utterances_of_the_same_audio_are_one_voice_of_a_babble(tmp_path):
    audio = {f"u{number}": f"{number % 2}.wav" for number in range(40)}
    data = DataDir(tmp_path, audio, audio, audio)
    assert BABBLE not in {mixture.noise for mixture in draw_mixtures(data, NoiseConfig())}
