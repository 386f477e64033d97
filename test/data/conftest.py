"""A data dir with real audio files, small enough to be made anew for each test."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from espnet_soups.data.data_dir import DataDir, read_data_dir, write_data_dir

FS = 8000


@pytest.fixture
def data_dir(tmp_path: Path) -> DataDir:
    """Four utterances of two languages, 0.2 to 0.8 s of noise."""
    random = np.random.default_rng(0)
    folder = tmp_path / "data" / "train"
    (tmp_path / "audio").mkdir()
    audio, languages, labels, translations = {}, {}, {}, {}
    for number, (key, language) in enumerate(
        [("en_a-one", "en"), ("en_a-two", "en"), ("fr_b-one", "fr"), ("fr_b-two", "fr")]
    ):
        path = tmp_path / "audio" / f"{key}.wav"
        soundfile.write(path, 0.1 * random.normal(size=FS * (number + 1) // 5), FS)
        audio[key], languages[key] = str(path), language
        labels[key] = f"words of {number}"
        translations[key] = "<na>" if language == "en" else f"english {number}"
    speakers = {key: key.split("-")[0] for key in audio}
    tables = {"text": labels, "text.en": translations}
    write_data_dir(DataDir(folder, audio, languages, speakers, tables))
    return read_data_dir(folder)
