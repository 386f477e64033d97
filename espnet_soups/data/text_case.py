"""Change the case of texts, with the names of ESPnet's recipes: `tc`, `lc`, `lc.rm`."""

import string
import unicodedata

LAST_PUNCTUATION = 0x20000  # there is none beyond
CASES = ("tc", "lc", "lc.rm")
APOSTROPHES = str.maketrans({"’": "'", "ʼ": "'", "＇": "'"})
# Zero-width and control characters; joiners (U+200C, U+200D) belong to the spelling.
_INVISIBLE = {
    code: None
    for code in range(0xA0)
    if unicodedata.category(chr(code)) == "Cc" and not chr(code).isspace()
} | {0xFEFF: None, 0x200B: None, 0xAD: None}
_PUNCTUATION = {
    code: None
    for code in range(LAST_PUNCTUATION)
    if unicodedata.category(chr(code)).startswith("P")
} | {ord(sign): None for sign in string.punctuation}
del _PUNCTUATION[ord("'")]


def tidy(text: str) -> str:
    r"""Return a text in one line, with single spaces and without invisible characters.

    Args:
        text: The text.

    >>> tidy(" a\u00a0b\u2028c\u200b ")
    'a b c'
    """
    return " ".join(text.translate(_INVISIBLE).split())


def remove_punctuation(text: str) -> str:
    """Remove punctuation, as Unicode and ASCII define it, except apostrophes.

    Args:
        text: The text.

    Returns:
        The text with single spaces.

    Source:
        The rule of ESPnet's `remove_punctuation.pl`; typographic apostrophes are kept as plain
        ones, which Moses' normaliser makes of them there.

    >>> remove_punctuation("« L’eau-de-vie », $5?")
    "L'eaudevie 5"
    """
    return " ".join(text.translate(APOSTROPHES).translate(_PUNCTUATION).split())


def apply_case(text: str, case: str) -> str:
    """Return a text in a case.

    Args:
        text: The text, as in the corpus.
        case: `tc`: unchanged, but tidy; `lc`: lower case; `lc.rm`: lower case without punctuation.

    Returns:
        The text in one line; it may be empty.

    Raises:
        ValueError: If there is no such case.

    >>> [apply_case("Ça va, Zoé ?", case) for case in CASES]
    ['Ça va, Zoé ?', 'ça va, zoé ?', 'ça va zoé']
    """
    if case not in CASES:
        raise ValueError(f"A text case must be one of {list(CASES)}, but got {case!r}.")
    clean = tidy(text)
    if case == "tc":
        return clean
    return clean.lower() if case == "lc" else remove_punctuation(clean.lower())
