"""Second audio in stage 3: kept as the speech is, absent or of another length."""

from dataclasses import replace

import kaldiio
import numpy as np
import pytest
import soundfile

from espnet_soups.data.audio import read_audio
from espnet_soups.data.check_audio import check_audio
from espnet_soups.data.dump import dump_set
from espnet_soups.data.features import FeatureConfig, extract_features
from espnet_soups.files import read_table

FBANK = FeatureConfig("fbank", fs=8000, num_mel_bins=20, stack=4)
RAW = FeatureConfig("raw", fs=8000)


def with_clean(data, **changes):
    return replace(data, audio_labels={"clean.scp": {**data.audio, **changes}})


@pytest.mark.parametrize("config", [FBANK, RAW], ids=["fbank", "raw"])
def test_an_absent_recording_is_nan_and_the_others_are_kept_as_the_speech_is(
    data_dir, tmp_path, config
):
    data = with_clean(data_dir, **{"fr_b-one": "<na>", "fr_b-two": "<na>"})
    check_audio(data)
    dump_set(data, tmp_path / "dump", config, jobs=1)
    clean = read_table(tmp_path / "dump" / "clean.scp")
    assert clean.keys() == data.audio.keys()
    for key, location in clean.items():
        if config is RAW:
            found, _ = soundfile.read(location, dtype="float32")
            expected = read_audio(data.audio[key], 8000)
        else:
            found = kaldiio.load_mat(location)
            expected = extract_features(read_audio(data.audio[key], 8000), config)
        if key.startswith("fr_b"):
            assert len(found) == 1
            assert np.isnan(found).all()
        else:
            np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("config", [FBANK, RAW], ids=["fbank", "raw"])
def test_a_recording_of_another_length_is_refused_by_name(data_dir, tmp_path, config):
    data = with_clean(data_dir, **{"en_a-two": data_dir.audio["en_a-one"]})
    message = r"clean\.scp: the audio of en_a-two has .* but that of wav\.scp .*1 of 4 utterances"
    with pytest.raises(ValueError, match=message):
        dump_set(data, tmp_path / "dump", config, jobs=1)


def test_a_recording_that_does_not_exist_is_refused_in_stage_1(data_dir):
    data = with_clean(data_dir, **{"en_a-two": "nowhere.wav"})
    with pytest.raises(FileNotFoundError, match=r"clean\.scp: 1 of 4 audio files"):
        check_audio(data)
