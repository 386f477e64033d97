import pytest

from espnet_soups.task.language_data import read_language_data


@pytest.fixture
def files(tmp_path):
    (tmp_path / "shape").write_text("a-1 30,8\na-2 20,8\nb-1 10,8\n")
    (tmp_path / "lang").write_text("a-1 a\na-2 a\nb-1 b\n")
    return str(tmp_path / "shape"), str(tmp_path / "lang")


def test_only_audio_for_self_supervision_may_be_missing_from_a_set(files):
    found = read_language_data(*files, ["a", "b", "unlabeled"], ["unlabeled"])
    assert {name: data.keys for name, data in found.items()} == {"a": ("a-1", "a-2"), "b": ("b-1",)}
    assert found["a"].frames.tolist() == [30, 20]
    with pytest.raises(ValueError, match=r"has no utterance of \['unlabeled'\]"):
        read_language_data(*files, ["a", "b", "unlabeled"])
