"""Clips are converted by several processes as by one."""

from espnet_soups.data.corpora import convert_clips as module
from espnet_soups.data.corpora.convert_clips import convert_clips
from espnet_soups.testing.miniature_corpora import write_noise


def test_two_processes_give_what_one_gives(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "CHUNK", 3)
    for number in range(5):
        write_noise(tmp_path / f"{number}.mp3", 0.2, 32000, number, "MP3")
    sources = [tmp_path / f"{number}.mp3" for number in range(6)]  # the last does not exist
    results = {}
    for jobs in (1, 2):
        pairs = [(path, tmp_path / f"{jobs}" / f"{path.stem}.flac") for path in sources]
        assert list(convert_clips(pairs, 16000, jobs)) == [(sources[5], "missing")]
        results[jobs] = {path.name: path.read_bytes() for path in (tmp_path / f"{jobs}").iterdir()}
    assert results[1] == results[2]
    assert len(results[1]) == 5
