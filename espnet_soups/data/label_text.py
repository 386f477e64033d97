"""The one normalisation of labels, references and hypotheses; tokenizers have none of their own."""

import unicodedata

from espnet_soups.data.text_case import tidy

WORD_BEGINS = "▁"  # sentencepiece's sign of a space: it cannot be a letter of a text, too


def clean_label(text: str) -> str:
    r"""Return a text as it is learnt, decoded and scored.

    Letters with accents are one character each (Unicode NFC: composed, full-width signs and
    ligatures kept), every run of white space is one space, nothing invisible is left. Cleaning
    twice changes nothing.

    >>> clean_label("e\u0301te\u0301\u3000１\u200b！")
    'été １！'
    """
    return unicodedata.normalize("NFC", tidy(text.replace(WORD_BEGINS, " ")))
