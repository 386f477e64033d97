"""The Russian voice: its list of sentences, and recordings that do not fit."""

import pytest

from espnet_soups.data.corpora.festvox_ru import read_festvox_ru, read_sentences
from espnet_soups.testing.miniature_corpora import write_noise
from espnet_soups.testing.miniature_debian import write_festvox_ru


def test_sentences_are_read_without_marks_of_stress_and_pauses(tmp_path):
    write_festvox_ru(tmp_path, ["Она завела, прядь вол+ос за ухо, - ещё.", "+Окна!"])
    corpus = read_festvox_ru(tmp_path / "festvox-ru")
    assert [s.texts for s in corpus.labelled] == [
        {"ru": "она завела прядь волос за ухо еще"},
        {"ru": "окна"},
    ]
    assert {s.speaker for s in corpus.labelled} == {"ru_festvox_nsh"}
    assert corpus.labelled[1].audio.is_file()
    assert not corpus.left_out


def test_what_does_not_fit_is_left_out_with_its_reason(tmp_path):
    write_festvox_ru(tmp_path, ["Окна дома.", "Окна дома и двери.", "Дом", "Сад 1917"])
    root = next((tmp_path / "festvox-ru").rglob("wav"))
    (root / "ru_0001.wav").unlink()
    write_noise(root / "ru_0002.wav", 0.2, 16000)
    write_noise(root / "ru_0003.wav", 20.0, 16000)
    corpus = read_festvox_ru(tmp_path / "festvox-ru")
    assert [(r.key, r.reason) for r in corpus.left_out] == [
        ("ru_0001", "no recording"),
        ("ru_0002", "too short for its text"),
        ("ru_0003", "too long for its text"),
        ("ru_0004", "number of unknown reading"),
    ]
    assert [s.key for s in corpus.unlabelled] == ["ru_0002", "ru_0003", "ru_0004"]
    assert not corpus.labelled


def test_a_line_of_another_form_is_named(tmp_path):
    path = tmp_path / "txt.done.data"
    path.write_text('( ru_0001 "Да" )\n\nru_0002 Нет\n', encoding="utf-8")
    with pytest.raises(ValueError, match=r"txt\.done\.data:3: the line is 'ru_0002 Нет', but must"):
        read_sentences(path)
    path.write_text('( ru_0001 "Да" )\n( ru_0001 "Нет" )\n', encoding="utf-8")
    with pytest.raises(ValueError, match=r"txt\.done\.data:2: ru_0001 occurs twice"):
        read_sentences(path)


def test_a_folder_without_the_list_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no etc/txt\.done\.data below"):
        read_festvox_ru(tmp_path)
