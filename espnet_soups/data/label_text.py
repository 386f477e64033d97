"""Normalise labels, references and hypotheses in one way; tokenizers add no rule of their own."""

import unicodedata

from espnet_soups.data.text_case import tidy

WORD_BEGINS = "▁"  # sentencepiece's sign of a space, so it cannot be a character of a text


def clean_label(text: str) -> str:
    r"""Return a text in the form in which it is learnt, decoded and scored.

    Letters with accents are one character each (Unicode NFC: composed, full-width signs and
    ligatures kept), every run of white space is one space, invisible characters are removed.
    Cleaning twice changes nothing.

    Args:
        text: The text.

    >>> clean_label("e\u0301te\u0301\u3000１\u200b！")
    'été １！'
    """
    if text.isascii() and text.isprintable():  # nothing else can happen to it
        return " ".join(text.split())
    return unicodedata.normalize("NFC", tidy(text.replace(WORD_BEGINS, " ")))
