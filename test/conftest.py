"""What all tests share: one thread, since the models are tiny, laws tried alike, a data dir."""

import os
import signal
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import settings

from espnet_soups.data.data_dir import DataDir, read_data_dir, write_data_dir
from espnet_soups.testing.audible_model import train_audible_model
from espnet_soups.testing.toy_corpus import ToyExperiment

os.environ.setdefault("OMP_NUM_THREADS", "1")
settings.register_profile("suite", deadline=None, derandomize=True, database=None, max_examples=50)
settings.load_profile("suite")
FS = 8000


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with whole recipes: they take minutes, and last they would leave a core idle."""
    items.sort(key=lambda item: "recipe" not in item.path.parts)


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


@pytest.fixture(scope="session")
def audible(tmp_path_factory: pytest.TempPathFactory) -> ToyExperiment:
    """A model that recognises, translates and identifies two languages of tones."""
    return train_audible_model(tmp_path_factory.mktemp("audible"))


@pytest.fixture
def interruptible():
    """Let children be interrupted where the tests themselves run in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
