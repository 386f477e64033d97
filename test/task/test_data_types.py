"""Our types of data, against those of ESPnet that they stand for."""

import kaldiio
import numpy as np
import pytest
import soundfile
from espnet2.train.dataset import ESPnetDataset
from espnet2.train.iterable_dataset import IterableESPnetDataset

from espnet_soups.task.data_types import RECORDING, add_data_types, use_compact_types

FS = 8000


def prepare(uid, data):
    """Keep arrays, and count the letters of texts."""
    return {k: v if isinstance(v, np.ndarray) else np.array([len(v)]) for k, v in data.items()}


@pytest.fixture
def files(tmp_path):
    add_data_types()
    generator = np.random.default_rng(0)
    waves = {key: generator.uniform(-0.5, 0.5, 900).astype(np.float32) for key in ("b", "a")}
    for key, wave in waves.items():
        soundfile.write(tmp_path / f"{key}.wav", wave, FS)
    arrays = {key: generator.normal(size=(7, 3)).astype(np.float32) for key in waves}
    kaldiio.save_ark(str(tmp_path / "f.ark"), arrays, scp=str(tmp_path / "feats.scp"))
    for name, value in (("wav.scp", f"{tmp_path}/{{}}.wav"), ("text", "letter {}")):
        lines = (f"{key} {value.format(key)}\n" for key in waves)
        (tmp_path / name).write_text("".join(lines))
    kinds = (("wav.scp", "sound"), ("feats.scp", "kaldi_ark"), ("text", "text"))
    return [(str(tmp_path / name), kind, kind) for name, kind in kinds]


def test_compact_types_read_what_those_of_espnet_read(files):
    compact = use_compact_types(files)
    assert [kind for _, _, kind in compact] == ["recording", "compact_ark", "compact_text"]
    ours, stock = (ESPnetDataset(given, preprocess=prepare) for given in (compact, files))
    assert list(ours) == list(stock) == ["b", "a"]
    for key in ("a", "b"):
        for name, value in stock[key][1].items():
            np.testing.assert_array_equal(ours[key][1][name], value)


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # ESPnet leaves the table open
def test_statistics_read_parts_of_recordings_line_by_line(files, tmp_path):
    path = tmp_path / "parts.scp"
    path.write_text(f"a {tmp_path}/a.wav#t=0.05,0.1\n")
    dataset = IterableESPnetDataset([(str(path), "speech", RECORDING)])
    ((key, data),) = dataset
    whole = soundfile.read(tmp_path / "a.wav", dtype="float32")[0]
    assert (key, dataset.non_iterable_dataset) == ("a", None)
    np.testing.assert_array_equal(data["speech"], whole[400:800])


def test_other_rates_are_refused_as_by_espnet(files, tmp_path):
    soundfile.write(tmp_path / "c.wav", np.zeros(100), 2 * FS)
    with open(tmp_path / "wav.scp", "a") as file:
        file.write(f"c {tmp_path}/c.wav\n")
    (speech,) = use_compact_types(files[:1])
    dataset = ESPnetDataset([speech])
    assert len(dataset["a"][1]["sound"]) == 900
    with pytest.raises(ValueError, match=r"wav\.scp: c has 16000 Hz, but other .* have 8000 Hz"):
        dataset["c"]
    assert len(ESPnetDataset([speech], allow_multi_rates=True)["c"][1]["sound"]) == 100
