"""Features and audio of a whole set, written by real processes."""

from dataclasses import replace
from pathlib import Path

import kaldiio
import numpy as np
import pytest
import soundfile

from espnet_soups.bin.dump_features import main as dump_features
from espnet_soups.bin.filter_lengths import main as run_filter
from espnet_soups.data import write_recordings
from espnet_soups.data.audio import change_speed, read_audio
from espnet_soups.data.data_dir import read_data_dir, write_data_dir
from espnet_soups.data.dump import dump_set, replace_set
from espnet_soups.data.features import FeatureConfig, extract_features
from espnet_soups.data.length_filter import filter_lengths
from espnet_soups.data.speed import perturb_speed
from espnet_soups.files import read_table

FBANK = FeatureConfig("fbank", fs=8000, num_mel_bins=20, stack=4)


def test_every_utterance_comes_at_every_speed(data_dir, tmp_path):
    data = perturb_speed(data_dir, [0.9, 1.0], tmp_path / "train_sp")
    write_data_dir(data)
    assert set(data.audio) == {*data_dir.audio, *(f"sp0.9-{key}" for key in data_dir.audio)}
    assert data.speakers["sp0.9-fr_b-one"] == "sp0.9-fr_b"
    assert read_data_dir(tmp_path / "train_sp").labels["text"]["sp0.9-fr_b-one"] == "words of 2"


def test_copies_of_an_utterance_stay_in_its_group(data_dir, tmp_path):
    groups = dict.fromkeys(data_dir.audio, "same")
    data = perturb_speed(replace(data_dir, groups=groups), [0.9, 1.0], tmp_path / "train_sp")
    write_data_dir(data)
    assert read_data_dir(tmp_path / "train_sp").groups == dict.fromkeys(data.audio, "same")
    assert perturb_speed(data_dir, [0.9, 1.0], tmp_path).groups == {}


@pytest.mark.parametrize("factors", [[0.4, 1.0], [1.0, 1.0]])
def test_senseless_speeds_are_refused(data_dir, tmp_path, factors):
    with pytest.raises(ValueError, match="speed_perturb_factors"):
        perturb_speed(data_dir, factors, tmp_path)


def test_an_id_that_looks_like_that_of_a_copy_is_played_as_it_is(data_dir, tmp_path):
    names = dict(zip(data_dir.audio, ("sp02-a", "sp0.9-b", "sp1.1-c", "d"), strict=True))
    speakers = dict.fromkeys(names.values(), "sp02")
    audio = {names[key]: path for key, path in data_dir.audio.items()}
    languages = dict.fromkeys(names.values(), "en")
    data = replace(data_dir, audio=audio, languages=languages, speakers=speakers, labels={})
    target = tmp_path / "dump" / "train"
    dump_set(data, target, FBANK, jobs=1)
    for key, frames in kaldiio.load_scp(str(target / "feats.scp")).items():
        expected = extract_features(read_audio(audio[key], 8000), FBANK)
        np.testing.assert_array_equal(frames, expected)
    twice = perturb_speed(data, [1.0, 0.9], tmp_path / "train_sp")
    assert twice.speeds["sp0.9-sp02-a"] == "0.9"
    assert twice.speeds["sp02-a"] == "1"


def test_speeds_are_told_by_a_table_and_those_of_a_table_are_multiplied(data_dir, tmp_path):
    write_data_dir(perturb_speed(data_dir, [0.9, 1.0], tmp_path / "train_sp"))
    data = read_data_dir(tmp_path / "train_sp")
    assert data.speeds["sp0.9-fr_b-one"] == "0.9"
    assert data.speeds["fr_b-one"] == "1"
    assert data.keep(["fr_b-one"]).speeds == {"fr_b-one": "1"}
    again = perturb_speed(data, [1.1], tmp_path / "again")
    assert again.speeds["sp1.1-sp0.9-fr_b-one"] == "0.99"
    dump_set(data, tmp_path / "dump", FBANK, jobs=1)
    assert not (tmp_path / "dump" / "utt2speed").exists()  # its audio has its speed already


def test_a_copy_of_the_name_of_an_utterance_and_a_speed_that_is_none_are_refused(
    data_dir, tmp_path
):
    data = perturb_speed(data_dir, [0.9, 1.0], tmp_path / "train_sp")
    with pytest.raises(ValueError, match=r"has en_a-one and sp0\.9-en_a-one.*already"):
        perturb_speed(data, [0.9, 1.0], tmp_path / "again")
    wrong = replace(data_dir, speeds=dict.fromkeys(data_dir.audio, "fast"))
    with pytest.raises(ValueError, match="utt2speed: en_a-one has speed 'fast'; expected a number"):
        dump_set(wrong, tmp_path / "dump", FBANK, jobs=1)


def test_dumped_features_are_those_of_the_audio_at_its_speed(data_dir, tmp_path):
    data = perturb_speed(data_dir, [1.0, 1.1], tmp_path / "train_sp")
    target = tmp_path / "dump" / "fbank" / "train_sp"
    seconds = dump_set(data, target, FBANK, jobs=1)
    dumped = kaldiio.load_scp(str(target / "feats.scp"))
    assert set(dumped) == set(data.audio)
    samples = read_audio(data.audio["sp1.1-en_a-two"], 8000)
    expected = extract_features(change_speed(samples, 1.1), FBANK)
    np.testing.assert_array_equal(dumped["sp1.1-en_a-two"], expected)
    lengths = read_table(target / "utt2num_frames")
    assert {key: int(n) for key, n in lengths.items()} == {k: len(v) for k, v in dumped.items()}
    assert seconds == pytest.approx(0.04 * sum(len(value) for value in dumped.values()))
    assert (target / "text.en").read_text() == "".join(
        f"{key} {data.labels['text.en'][key]}\n" for key in sorted(data.audio)
    )


def test_two_processes_write_what_one_writes(data_dir, tmp_path, monkeypatch):
    dump_set(data_dir, tmp_path / "one", FBANK, jobs=1)
    monkeypatch.setattr(write_recordings, "CHUNK", 3)
    dump_set(data_dir, tmp_path / "two", FBANK, jobs=2)
    assert len([*(tmp_path / "two").glob("*.ark")]) == 2
    one, two = (kaldiio.load_scp(str(tmp_path / name / "feats.scp")) for name in ("one", "two"))
    assert one.keys() == two.keys() == data_dir.audio.keys()
    assert all(np.array_equal(one[key], two[key]) for key in one)


def test_raw_audio_is_written_as_flac_and_resampled_on_request(data_dir, tmp_path):
    soundfile.write(data_dir.audio["en_a-one"], np.zeros(16000), 16000)
    target = tmp_path / "dump" / "raw" / "train"
    config = FeatureConfig("raw", fs=8000)
    with pytest.raises(ValueError, match=r"has 16000 Hz.*\(1 of 4 files"):
        dump_set(data_dir, target, config, jobs=1)
    assert not (target / "wav.scp").exists()
    dump_set(data_dir, target, config, jobs=1, resample=True)
    dumped = read_data_dir(target)
    assert {Path(path).suffix for path in dumped.audio.values()} == {".flac"}
    assert len(read_audio(dumped.audio["en_a-one"], 8000)) == 8000


@pytest.mark.parametrize("copies", [True, False])
def test_raw_audio_of_which_resampling_leaves_nothing_is_named(data_dir, tmp_path, copies):
    soundfile.write(data_dir.audio["en_a-one"], np.full(1, 0.5), 44100)
    config = FeatureConfig("raw", fs=8000)
    said = r"en_a-one: .*is too short: of its 1 samples of 44100 Hz none is left at 8000 Hz"
    with pytest.raises(ValueError, match=said):
        dump_set(data_dir, tmp_path / "train", config, jobs=1, resample=True, copies=copies)


@pytest.mark.parametrize("kind", ["fbank", "raw"])
def test_ids_that_are_paths_overwrite_no_recording_and_leave_no_folder(data_dir, tmp_path, kind):
    first, second, third, _ = data_dir.audio
    names = {
        first: data_dir.audio[first].removesuffix(".wav"),
        second: "../../../out",
        third: "s/1",
    }
    renamed = {
        table: {names.get(key, key): value for key, value in getattr(data_dir, table).items()}
        for table in ("audio", "languages", "speakers")
    }
    data = replace(data_dir, labels={}, **renamed)
    source = Path(data_dir.audio[first])
    source.rename(source.with_suffix(".flac"))  # as a recipe for FLAC files names its ids
    data.audio[names[first]] = str(source.with_suffix(".flac"))
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    target = tmp_path / "dump" / "train"
    dump_set(data, target, replace(FBANK, type=kind), jobs=1)
    written = {path for path in tmp_path.rglob("*") if path.is_file()} - before.keys()
    assert all(path.is_relative_to(target) for path in written)
    assert {path: path.read_bytes() for path in before} == before
    audio_file = "feats.scp" if kind == "fbank" else "wav.scp"
    assert set(read_data_dir(target, audio_file, labelled=False).audio) == set(data.audio)


@pytest.mark.parametrize("kind", ["fbank", "raw"])
def test_features_in_use_stay_until_new_ones_are_whole(data_dir, tmp_path, kind):
    config, target = replace(FBANK, type=kind), tmp_path / "dump" / "train"
    audio_file = "feats.scp" if kind == "fbank" else "wav.scp"
    replace_set(data_dir, target, config, jobs=1)
    before = {path: path.read_bytes() for path in target.rglob("*") if path.is_file()}
    soundfile.write(data_dir.audio["en_a-one"], np.zeros(16000), 16000)
    with pytest.raises(ValueError, match="has 16000 Hz"):
        replace_set(data_dir, target, config, jobs=1)
    assert {path: path.read_bytes() for path in target.rglob("*") if path.is_file()} == before
    (target.parent / ".train.1.new").mkdir()  # as a killed run leaves it
    replace_set(data_dir, target, config, jobs=1, resample=True)
    assert [path.name for path in target.parent.iterdir()] == ["train"]
    for place in read_table(target / audio_file).values():
        assert Path(place.rpartition(":")[0] or place).is_relative_to(target)
        assert Path(place.rpartition(":")[0] or place).is_file()


def test_a_clip_shorter_than_a_frame_is_left_to_the_length_filter(data_dir, tmp_path):
    soundfile.write(data_dir.audio["en_a-one"], np.full(80, 0.1), 8000)
    dump_set(data_dir, tmp_path / "dump", FBANK, jobs=1)
    lengths = read_table(tmp_path / "dump" / "utt2num_frames")
    assert lengths["en_a-one"] == "1"
    seconds = {key: int(n) * FBANK.frame_seconds for key, n in lengths.items()}
    kept, report = filter_lengths(data_dir, seconds, 0.1, 20.0)
    assert set(data_dir.audio) - set(kept.audio) == {"en_a-one"}
    assert report.too_short == 1


def test_a_recording_with_one_sample_that_is_no_number_is_named(data_dir, tmp_path):
    samples = np.zeros(8000, dtype=np.float32)
    samples[7] = np.nan
    soundfile.write(data_dir.audio["fr_b-one"], samples, 8000, subtype="FLOAT")
    with pytest.raises(ValueError, match=r"b-one\.wav has NaN .* \(1 of 4 files cannot be used"):
        dump_set(data_dir, tmp_path / "dump", FBANK, jobs=1)


def test_a_rate_that_does_not_fit_is_found_before_any_set_is_read(data_dir, tmp_path):
    soundfile.write(data_dir.audio["en_a-one"], np.zeros(16000), 16000)
    write_data_dir(replace(data_dir, path=tmp_path / "test"))
    fine = data_dir.keep(["en_a-two", "fr_b-one", "fr_b-two"])
    write_data_dir(replace(fine, path=tmp_path / "train"))
    words = ["--fs", "8000", "--nj", "1", "--look_at", str(tmp_path / "test")]
    words += ["--sets", f"{tmp_path}/train={tmp_path}/dump/train"]
    with pytest.raises(ValueError, match=r"en_a-one\.wav has 16000 Hz, but 8000 Hz are expected"):
        dump_features(words)
    assert not (tmp_path / "dump").exists()
    dump_features([*words, "--resample", "true"])
    assert (tmp_path / "dump" / "train" / "feats.scp").exists()


@pytest.mark.parametrize("kind", ["fbank", "raw"])
def test_a_second_recording_is_kept_as_the_speech_is(data_dir, tmp_path, kind):
    louder = {}
    for key, audio in data_dir.audio.items():
        louder[key] = str(tmp_path / f"{key}.wav")
        soundfile.write(louder[key], 2.0 * soundfile.read(audio)[0], 8000)
    data = replace(data_dir, audio_labels={"clean.scp": louder})
    alone = tmp_path / "dump" / "louder"
    own = perturb_speed(replace(data_dir, audio=louder), [0.9, 1.0], tmp_path / "louder_sp")
    data = perturb_speed(data, [0.9, 1.0], tmp_path / "train_sp")
    target = tmp_path / "dump" / "train_sp"
    replace_set(data, target, replace(FBANK, type=kind), jobs=1)
    replace_set(own, alone, replace(FBANK, type=kind), jobs=1)
    name = "feats.scp" if kind == "fbank" else "wav.scp"
    dumped = read_data_dir(target, name, audio_labels=["clean.scp"])

    def content(path):
        return kaldiio.load_mat(path) if kind == "fbank" else soundfile.read(path)[0]

    clean, expected = dumped.audio_labels["clean.scp"], read_data_dir(alone, name).audio
    for key in ("en_a-one", "sp0.9-en_a-two", "sp0.9-fr_b-one"):
        np.testing.assert_array_equal(content(clean[key]), content(expected[key]))
        assert not np.array_equal(content(clean[key]), content(dumped.audio[key]))


def test_recordings_have_digests_of_what_they_sound_like(data_dir, tmp_path):
    dump_set(data_dir, tmp_path / "one", FBANK, jobs=1)
    first = read_table(tmp_path / "one" / "speech.digest")
    assert first.keys() == data_dir.audio.keys()
    assert len(set(first.values())) == len(first)
    audio = {}
    for key, path in data_dir.audio.items():  # elsewhere, in another format
        samples, rate = soundfile.read(path)
        audio[key] = str(tmp_path / f"{key}.flac")
        soundfile.write(audio[key], samples, rate)
    louder = next(iter(audio))
    soundfile.write(audio[louder], samples * 0.5, rate)
    raw = FeatureConfig("raw", fs=8000)
    dump_set(replace(data_dir, audio=audio), tmp_path / "two", raw, jobs=1)
    second = read_table(tmp_path / "two" / "speech.digest")
    assert [key for key in first if first[key] != second[key]] == [louder]
    faster = perturb_speed(data_dir, [0.9, 1.0], tmp_path / "sp")
    dump_set(faster, tmp_path / "three", FBANK, jobs=1)
    third = read_table(tmp_path / "three" / "speech.digest")
    assert {key: third[key] for key in first} == first
    assert len(set(third.values())) == 2 * len(first)


def test_the_length_filter_keeps_digests_and_languages(data_dir, tmp_path):
    dump_set(data_dir, tmp_path / "whole", FBANK, jobs=1)
    words = [
        "--source",
        str(tmp_path / "whole"),
        "--frame_seconds",
        "0.04",
        "--keep_languages",
        "fr",
    ]
    run_filter([*words, "--target", str(tmp_path / "kept")])
    whole = read_table(tmp_path / "whole" / "speech.digest")
    french = {key for key, language in data_dir.languages.items() if language == "fr"}
    kept = read_table(tmp_path / "kept" / "speech.digest")
    assert kept == {key: whole[key] for key in french}
    assert read_table(tmp_path / "kept" / "utt2lang") == dict.fromkeys(french, "fr")
    with pytest.raises(ValueError, match=r"whole has no utterance of de, but of en, fr\."):
        run_filter([*words[:-1], "de", "--target", str(tmp_path / "none")])


def test_languages_alone_leave_short_utterances_and_those_without_labels(data_dir, tmp_path):
    labels = {"text": dict.fromkeys(data_dir.audio, "<na>")}
    dump_set(replace(data_dir, labels=labels), tmp_path / "whole", FBANK, jobs=1)
    words = ["--source", str(tmp_path / "whole"), "--target", str(tmp_path / "kept")]
    words += ["--frame_seconds", "0.001", "--keep_languages", "en", "--languages_alone", "true"]
    run_filter(words)
    kept = read_table(tmp_path / "kept" / "text")
    assert kept == {key: "<na>" for key, lang in data_dir.languages.items() if lang == "en"}


def test_what_a_killed_run_left_of_a_set_goes_and_another_set_under_way_stays(data_dir, tmp_path):
    left_over, other = tmp_path / ".dev.123.new", tmp_path / ".dev.en.124.new"
    for folder in (left_over, other):
        folder.mkdir()
    replace_set(data_dir, tmp_path / "dev", FBANK, jobs=1)
    assert not left_over.exists()
    assert other.exists()
