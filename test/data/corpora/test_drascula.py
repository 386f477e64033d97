"""The game, on files that are packed here byte by byte."""

import numpy as np
import pytest
import soundfile

from espnet_soups.data.corpora.drascula import (
    find_voices,
    read_drascula,
    restore_umlauts,
    role_of,
    spell_line,
)
from espnet_soups.data.corpora.drascula_files import (
    CHARACTERS,
    are_one_recording,
    read_text_tables,
    read_voice,
)
from espnet_soups.testing.miniature_debian import (
    GAME,
    pack_text_tables,
    write_drascula,
    write_game_voice,
)

DOOR = {
    "en": "IT'S A DOOR",
    "es": "Es una puerta.",
    "de": "EINE TueR",
    "fr": "C'EST UNE PORTE",
    "it": "È UNA PORTA",
    "ru": "Это дверь.",
}
ROOM = {**DOOR, "en": "OK. ROOM 512", "de": "ZIMMER 512", "es": "Habitación 12"}
WHISTLE = {"en": "SON OF (WHISTLE)", "es": "HIJO DE (PITIDO)", "de": "SOHN"}


def write_game(root, lines):
    write_drascula(root, lines)
    ends = {"en": "drascula", "es": "drascula-spanish"}
    return {language: root / name / GAME / language for language, name in ends.items()}


def test_tables_give_back_what_was_packed_in_both_code_pages(tmp_path):
    lines = {"": [DOOR, ROOM], "VB": [{}, {"fr": "ÇA VA? ñÉ", "ru": "Ёж"}]}
    path = tmp_path / "drascula.dat"
    path.write_bytes(pack_text_tables(lines))
    tables = read_text_tables(path)
    assert [table.character for table in tables] == list(CHARACTERS)
    assert {lang: texts[1] for lang, texts in tables[0].texts.items()} == DOOR
    assert tables[0].texts["de"] == ["", "EINE TueR", "ZIMMER 512"]
    assert tables[-1].texts["ru"] == ["", "", "Ёж"]
    assert tables[-1].texts["fr"][2] == "ÇA VA? ñÉ"


@pytest.mark.parametrize("end", [-40, 500])
def test_a_file_of_texts_that_is_cut_off_is_named_with_what_is_missing(tmp_path, end):
    path = tmp_path / "drascula.dat"
    lines = {character: [DOOR] for character in CHARACTERS}
    path.write_bytes(pack_text_tables(lines)[:end])
    with pytest.raises(ValueError, match=r"drascula\.dat has texts of \d characters, but 10 are"):
        read_text_tables(path)


def test_another_file_is_no_file_of_texts(tmp_path):
    (tmp_path / "drascula.dat").write_bytes(b"<!DOCTYPE html>")
    with pytest.raises(ValueError, match="does not begin with DRASCULA"):
        read_text_tables(tmp_path / "drascula.dat")


def test_of_a_voice_the_sound_is_left_with_a_tenth_of_a_second_of_silence_at_each_end(tmp_path):
    write_game_voice(tmp_path / "1.ALS", seconds=1.0, seed=1, silence=0.5)
    samples = read_voice(tmp_path / "1.ALS")
    assert len(samples) / 11025 == pytest.approx(1.2, abs=0.01)
    assert np.all(samples[:1000] == 0)
    assert np.std(samples[1200:-1200]) == pytest.approx(20 / 128, rel=0.05)


def test_a_silent_voice_is_refused(tmp_path):
    (tmp_path / "1.ALS").write_bytes(b"\x80\x7f" * 5000)
    with pytest.raises(ValueError, match="nothing is heard"):
        read_voice(tmp_path / "1.ALS")


def test_one_recording_is_known_again_when_it_is_louder_and_shifted_and_another_is_not():
    first, second = np.random.default_rng(0).normal(size=(2, 9000)).astype(np.float32)
    assert are_one_recording(first, 0.3 * np.concatenate([second[:100], first[50:]]))
    assert not are_one_recording(first, second)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ACH, DIESES BLoeDE VERHaeLTNIS!", "ACH, DIESES BLöDE VERHäLTNIS!"),
        ("aeHEM, ueBER", "äHEM, üBER"),
        ("Eine neue Tuer, Quelle am Feuer", "Eine neue Tür, Quelle am Feuer"),
        ("Ueber Oel", "Über Öl"),
    ],
)
def test_umlauts_are_restored(text, expected):
    assert restore_umlauts(text) == expected


def test_hard_spaces_part_words():
    assert spell_line("OºMEºPONESºUNºCUBATA", "es").text == "o me pones un cubata"
    assert spell_line("Дай%скотча,%или%буду", "ru").text == "дай скотча или буду"
    assert spell_line("100%IG", "de").reason == "symbol of unknown reading"


def test_lines_are_read_with_all_their_translations(tmp_path):
    folders = write_game(tmp_path, {"": [DOOR], "D": [{}, DOOR]})
    corpus = read_drascula(folders, tmp_path / "flac")
    assert [s.utterance for s in corpus.labelled] == [
        "en_drascula_hacker-001",
        "es_drascula_hacker-001",
        "en_drascula_drascula-D002",
        "es_drascula_drascula-D002",
    ]
    first = corpus.labelled[0]
    assert first.texts["de"] == "eine tür"
    assert first.texts["en"] == "it's a door"
    assert set(first.texts) == set(DOOR)
    info = soundfile.info(str(first.audio))
    assert (info.samplerate, info.duration) == (11025, pytest.approx(2.2, abs=0.01))
    assert not corpus.unlabelled
    assert not corpus.left_out  # S1 is a sound effect


def test_a_text_of_unknown_reading_costs_the_label_of_its_language_alone(tmp_path):
    corpus = read_drascula(write_game(tmp_path, {"": [ROOM]}), tmp_path / "flac")
    [spanish] = corpus.labelled
    assert spanish.language == "es"
    assert spanish.texts["es"] == "habitacion doce"
    assert "en" not in spanish.texts
    assert [speech.language for speech in corpus.unlabelled] == ["en"]
    told = [(r.language, r.reason) for r in corpus.left_out]
    number = "number of unknown reading"
    assert told == [("en", number), ("de", f"translation: {number}")]


def test_lines_with_stage_directions_or_without_a_text_become_audio_without_labels(tmp_path):
    corpus = read_drascula(
        write_game(tmp_path, {"": [WHISTLE, {"en": "", "es": ""}]}), tmp_path / "flac"
    )
    assert not corpus.labelled
    assert len(corpus.unlabelled) == 4
    assert {r.reason for r in corpus.left_out} == {"stage direction in the text", "no text"}


def test_a_recording_that_stands_in_both_languages_is_spanish(tmp_path):
    folders = write_game(tmp_path, {"": [DOOR, DOOR]})
    for folder in folders.values():
        write_game_voice(folder / "2.ALS", 2.0, seed=5, silence=0.2 + 0.1 * (folder.name == "es"))
    corpus = read_drascula(folders, tmp_path / "flac")
    assert [speech.utterance for speech in corpus.labelled] == [
        "en_drascula_hacker-001",
        "es_drascula_hacker-001",
        "es_drascula_hacker-002",
    ]
    assert not corpus.unlabelled
    told = [(r.language, r.key, r.reason) for r in corpus.left_out]
    assert told == [("en", "002", "the Spanish recording")]


def test_a_noise_without_a_text_is_no_speech(tmp_path):
    corpus = read_drascula(
        write_game(tmp_path, {"": [{}] * 16 + [{"en": "LIKE", "es": ""}]}), tmp_path
    )
    assert [speech.utterance for speech in corpus.labelled] == ["en_drascula_hacker-017"]
    assert not corpus.unlabelled


def test_a_link_to_the_voice_of_another_language_is_no_voice(tmp_path):
    folders = write_game(tmp_path, {"": [DOOR]})
    (folders["es"] / "7.ALS").symlink_to(folders["en"] / "1.ALS")
    assert list(find_voices(folders["es"], "es")) == [("", 1)]
    with pytest.raises(FileNotFoundError, match=r"no es voices \(\*\.ALS\)"):
        find_voices(tmp_path, "es")


def test_two_lines_whose_translations_are_exchanged_have_none(tmp_path):
    folders = write_game(tmp_path, {"": [{}] * 414 + [DOOR]})
    corpus = read_drascula(folders, tmp_path / "flac")
    assert [s.texts for s in corpus.labelled] == [{"en": "it's a door"}, {"es": "es una puerta"}]


def test_guests_in_the_vampire_s_table_have_voices_of_their_own():
    assert [role_of("D", n) for n in (1, 56, 70)] == ["drascula", "hacker", "blind"]
    assert role_of("VB", 60) == "braun"
