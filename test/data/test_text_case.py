"""Text cases of translation corpora."""

import pytest

from espnet_soups.data.text_case import apply_case, remove_punctuation, tidy


def test_white_space_of_any_kind_becomes_one_space_and_the_invisible_goes():
    assert tidy("\ufeffa\u00a0b\u2028c\u3000\u0085d\x00\u200be\u00ad \r\n") == "a b c de"


def test_true_case_keeps_letters_signs_and_joiners_as_they_are():
    text = "Straße «ÇA» — 5 % \u200c“x”"
    assert apply_case(text, "tc") == text


def test_without_punctuation_only_apostrophes_are_left():
    assert (
        remove_punctuation("l’été: «oui», e-mail… (3,5 €) ¿qué? $+<=>^`|~")
        == "l'été oui email 35 € qué"
    )
    assert apply_case("Straße!", "lc.rm") == "straße"


def test_an_unknown_case_is_refused():
    with pytest.raises(ValueError, match=r"one of \['tc', 'lc', 'lc.rm'\], but got 'uc'"):
        apply_case("a", "uc")
