"""One spelling for each language of `egs2/debian_speech`, whose corpora spell differently."""

from espnet_soups.data.corpora.asterisk_text import NormalisedText, normalise_text

LETTERS = {
    "de": "abcdefghijklmnopqrstuvwxyzäöüß",
    "en": "abcdefghijklmnopqrstuvwxyz'",
    "es": "abcdefghijklmnopqrstuvwxyzñ",
    "fr": "abcdefghijklmnopqrstuvwxyzàâçèéêëîïôùûüÿ'",
    "it": "abcdefghijklmnopqrstuvwxyzàèéìòù'",
    "ru": "абвгдежзийклмнопрстуфхцчшщъыьэюя",
}
# Spanish of both corpora mostly lacks its accents, Italian has í and ì for one sound.
SPELT = {
    "en": {"é": "e"},
    "es": {"á": "a", "é": "e", "í": "i", "ó": "o", "ú": "u", "ü": "u"},
    "fr": {"œ": "oe", "æ": "ae"},
    "it": {"í": "ì", "ú": "ù"},
}


def spell(text: str, language: str) -> NormalisedText:
    """Normalise a text as `normalise_text` does, and spell it with the letters of its language.

    Args:
        text: As it stands in the corpus.
        language: One of `LETTERS`.

    Returns:
        The text, or the reason to leave it out.

    >>> spell("¿Está la niña aquí?", "es").text
    'esta la niña aqui'
    """
    normalised = normalise_text(text, language)
    letters = SPELT.get(language, {})
    spelt = "".join(letters.get(letter, letter) for letter in normalised.text)
    strange = sorted(set(spelt) - {*LETTERS[language], " "})
    if strange:
        return NormalisedText("", f"letter of another language ({''.join(strange)})")
    return NormalisedText(spelt, normalised.reason, normalised.notes)
