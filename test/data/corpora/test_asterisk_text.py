"""Prompts as they are heard: cases that stand in the lists of the corpus."""

import pytest

from espnet_soups.data.corpora.asterisk_text import normalise_text


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        (
            "en",
            "Please press 1 to mute, or 21 to exit.",
            "please press one to mute or twenty one to exit",
        ),
        ("fr", "numéro d'agent suivi du dièse, 21", "numéro d'agent suivi du dièse vingt et un"),
        ("es", "Oprima 85", "oprima ochenta y cinco"),
        ("it", "Per l’operatore premi 0.", "per l'operatore premi zero"),
        ("ru", "Ещё 2 сообщения", "еще два сообщения"),
        ("en", "dash [-]", "dash"),
        ("en", 'a polite "don\'t call" menu', "a polite don't call menu"),
        ("en", "say 'star' now", "say star now"),
        ("en", "A.M.", "a m"),
    ],
)
def test_texts_are_spelled_as_they_are_spoken(language, text, expected):
    assert normalise_text(text, language).text == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[this is a simple beep tone]", "not speech"),
        ("<beep ascending>", "not speech"),
        ("(10 seconds of silence)", "not speech"),
        ("separated by * and then", "symbol of unknown reading"),
        ("3D audio enabled", "symbol of unknown reading"),
        ("dial 500 to attempt", "number of unknown reading"),
        ("", "no text"),
        ("...", "no text"),
    ],
)
def test_what_cannot_be_read_is_left_out_with_its_reason(text, reason):
    assert normalise_text(text, "en").text == ""
    assert normalise_text(text, "en").reason == reason


def test_notes_are_counted():
    assert normalise_text("IAX (note: does not say two)", "en").notes == 1
