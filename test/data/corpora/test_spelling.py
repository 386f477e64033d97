"""One spelling for corpora that spell differently."""

import pytest

from espnet_soups.data.corpora.spelling import LETTERS, spell


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        (
            "es",
            "¡Qué pingüino más señorial! Espere 2 minutos",
            "que pinguino mas señorial espere dos minutos",
        ),
        ("it", "LÍ DENTRO C'È, COSÍ", "lì dentro c'è così"),
        ("fr", "un œil, et cætera, où?", "un oeil et caetera où"),
        ("en", "a toupeé", "a toupee"),
        ("ru", "Ещё ёж", "еще еж"),
        ("de", "Größe 3", "größe drei"),
    ],
)
def test_a_language_has_one_spelling(language, text, expected):
    assert spell(text, language).text == expected


@pytest.mark.parametrize("language", LETTERS)
def test_letters_of_another_language_are_no_text_of_this_one(language):
    strange = "ђ" if language == "ru" else "ж"
    assert spell(f"a{strange}", language).text == ""
    assert "letter of another language" in spell(f"{strange}", language).reason


def test_reasons_of_the_prompts_hold():
    assert spell("[beep]", "en").reason == "not speech"
    assert spell("room 512", "en").reason == "number of unknown reading"
