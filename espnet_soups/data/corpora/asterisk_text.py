"""Normalise the texts of the Asterisk prompts to what is heard."""

import re
import unicodedata
from dataclasses import dataclass

from num2words import num2words

LARGEST_NUMBER = 99  # larger ones may be read digit by digit or as a whole
_NOTE = re.compile(r"\[[^\]]*\]|\([^)]*\)|<[^>]*>")
_NUMBER = re.compile(r"\d+")
_UNREADABLE = re.compile(r"[*#@$=+/\\&%^_~|{}]|\d[.,]\d|\d[^\W\d_]|[^\W\d_]\d")


@dataclass(frozen=True)
class NormalisedText:
    """Text of a prompt, or the reason why there is none.

    Attributes:
        text: Lower case, words separated by single spaces; empty: the prompt is left out.
        reason: Why it is left out; empty: it is kept.
        notes: Number of bracketed notes that were removed.
    """

    text: str
    reason: str = ""
    notes: int = 0


def normalise_text(text: str, language: str) -> NormalisedText:
    """Normalise the text of one prompt.

    Notes in brackets are removed, numbers are spelled out, everything but letters and apostrophes
    is dropped, letters become lower case (and Russian ё becomes е, since the texts mix them).

    Args:
        text: The text in the list of prompts.
        language: en, fr, es, it or ru.

    Returns:
        The normalised text, or the reason to leave it out.

    >>> normalise_text("Press 1 (beep), or 'star'.", "en").text
    'press one or star'
    """
    spoken, notes = _NOTE.subn(" ", unicodedata.normalize("NFC", text))
    if notes and not any(letter.isalnum() for letter in spoken):
        return NormalisedText("", "not speech", notes)
    if _UNREADABLE.search(spoken):
        return NormalisedText("", "symbol of unknown reading", notes)
    numbers = [int(number) for number in _NUMBER.findall(spoken)]
    if any(number > LARGEST_NUMBER for number in numbers):
        return NormalisedText("", "number of unknown reading", notes)
    spelled = _NUMBER.sub(lambda match: f" {num2words(int(match[0]), lang=language)} ", spoken)
    letters = spelled.lower().replace("’", "'").replace("ё", "е")
    kept = "".join(c if c.isalpha() or c == "'" else " " for c in letters)
    words = [word.strip("'") if _is_quoted(word) else word for word in kept.split()]
    result = " ".join(word for word in words if word.strip("'"))
    return NormalisedText(result, "" if result else "no text", notes)


def _is_quoted(word: str) -> bool:
    """Return whether a word begins with a quote ('star'), unlike l' (elision) and user's."""
    return word.startswith("'")
