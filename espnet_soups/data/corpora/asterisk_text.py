"""Normalise the texts of the Asterisk prompts: what is heard, and nothing else."""

import re
import unicodedata
from dataclasses import dataclass

from num2words import num2words

LARGEST_NUMBER = 99  # longer ones are read digit by digit or not, nobody knows
_NOTE = re.compile(r"\[[^\]]*\]|\([^)]*\)|<[^>]*>")
_NUMBER = re.compile(r"\d+")
_UNREADABLE = re.compile(r"[*#@$=+/\\&%^_~|{}]|\d[.,]\d|\d[^\W\d_]|[^\W\d_]\d")


@dataclass(frozen=True)
class NormalisedText:
    """A text, or the reason why there is none.

    Attributes:
        text: Lower case, words separated by single spaces; empty where it is left out.
        reason: Why it is left out; empty where it is kept.
        notes: Bracketed notes that were cut away.
    """

    text: str
    reason: str = ""
    notes: int = 0


def normalise_text(text: str, language: str) -> NormalisedText:
    """Normalise the text of one prompt.

    Notes in brackets are cut away, numbers are spelled out, all but letters and apostrophes is
    dropped, letters become lower case (and Russian ё becomes е, which the texts mix).

    Args:
        text: As it stands in the list of prompts.
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
    """Return whether a quote opens one ('star'), and is no elision (l') or possessive (user's)."""
    return word.startswith("'")
