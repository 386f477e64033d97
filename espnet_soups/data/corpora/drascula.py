"""Drascula, a game of 1996 with voices in English and Spanish and texts in six languages.

Every line is spoken in both languages, mostly by the hero, and written in German, French, Italian
and Russian, too. The licence asks to keep its notice, see `egs2/debian_speech/msp1/README.md`.
"""

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from espnet_soups.data.audio import write_flac
from espnet_soups.data.corpora.asterisk_text import NormalisedText
from espnet_soups.data.corpora.audio_text_fit import misfit
from espnet_soups.data.corpora.drascula_files import (
    RATE,
    TextTable,
    are_one_recording,
    read_text_tables,
    read_voice,
)
from espnet_soups.data.corpora.parallel_speech import Corpus, LeftOut, Speech
from espnet_soups.data.corpora.spelling import spell

NAME = "drascula"
SPOKEN = ("en", "es")
ROLES = {
    "": "hacker",
    "B": "drunkard",
    "BJ": "bj",
    "D": "drascula",
    "E": "skeleton",
    "I": "igor",
    "L": "werewolf",
    "P": "pianist",
    "T": "bartender",
    "VB": "braun",
}
# Lines in the table of the vampire that others speak; who the guest is, the texts do not say.
GUESTS = {range(56, 68): "hacker", range(68, 79): "blind", range(79, 84): "guest"}
# English, Italian and Russian have these two lines in one order, the others in the other one.
NOT_PARALLEL = {"415", "416"}
# Without a text, and by their spectra nobody's voice.
NOISES = {"017", "020", "D079", "D080", "D081"}
NO_TEXT = "no text"
ONE_RECORDING = "the Spanish recording"
STAGE_DIRECTION = "stage direction in the text"
# Hard spaces: what draws the texts shows these letters as blanks.
_HARD_SPACES = {"es": "º", "de": "º", "ru": "%"}


def read_drascula(folders: Mapping[str, Path], audio: Path) -> Corpus:
    """Read all lines, and write their voices as FLAC.

    Args:
        folders: Language of voices to the folder of the game in it; `drascula.dat` lies in that of
            English.
        audio: Where the FLAC files go, in a folder for each language.

    Returns:
        Labelled lines with their translations; lines without a text; what was left out.

    Raises:
        OSError: If a file or all voices of a language are missing.
        ValueError: If `drascula.dat` is none.
    """
    corpus = Corpus([])
    voices = {language: find_voices(folders[language], language) for language in SPOKEN}
    for table in read_text_tables(folders["en"] / "drascula.dat"):
        numbers = {n for found in voices.values() for c, n in found if c == table.character}
        for number in sorted(numbers):
            place = (table.character, number)
            files = {lang: found[place] for lang, found in voices.items() if place in found}
            _add_line(corpus, table, number, files, audio)
    return corpus


def find_voices(folder: Path, language: str) -> dict[tuple[str, int], Path]:
    """Find the voices of all characters.

    Args:
        folder: The game in one language.
        language: Which, for the message.

    Returns:
        (character, number) to file; sound effects (`S…`, `F…`) are not among them.

    Raises:
        FileNotFoundError: If there are none.
    """
    found = {}
    for path in folder.glob("*.ALS"):
        match = re.fullmatch(r"([A-Z]*)(\d+)", path.stem)
        # a link leads to the voice of another language
        if match and match[1] in ROLES and not path.is_symlink():
            found[match[1], int(match[2])] = path
    if not found:
        raise FileNotFoundError(f"There are no {language} voices (*.ALS) in {folder}.")
    return found


def role_of(character: str, number: int) -> str:
    """Return who speaks a line.

    Args:
        character: Of its table, one of `ROLES`.
        number: Of the line.
    """
    if character == "D":
        for numbers, role in GUESTS.items():
            if number in numbers:
                return role
    return ROLES[character]


def spell_line(text: str, language: str) -> NormalisedText:
    """Normalise a text of the game.

    Args:
        text: As `drascula.dat` has it.
        language: Of the text.

    Returns:
        The text, or the reason to leave it out.

    >>> spell_line("UNMoeGLICH", "de").text, spell_line("OºMEºPONES", "es").text
    ('unmöglich', 'o me pones')
    """
    for sign in _HARD_SPACES.get(language, ""):
        text = re.sub(f"(?<=[^\\W\\d]){sign}|(?<=,){sign}", " ", text)
    if language == "de":
        text = restore_umlauts(text)
    spelt = spell(text, language)
    if spelt.text and spelt.notes:
        return NormalisedText("", STAGE_DIRECTION, spelt.notes)
    return spelt


def restore_umlauts(text: str) -> str:
    """Write German umlauts where the texts have two letters.

    In capitals the two are small ones (`ueBER`). Elsewhere `ue` behind a, e or q is none.

    Args:
        text: In German.

    >>> restore_umlauts("WW... FueR DICH"), restore_umlauts("Hallo Tuer! Wo ist Feuer?")
    ('WW... FüR DICH', 'Hallo Tür! Wo ist Feuer?')
    """
    small = re.sub("[aou]e", "", text)
    pairs = "[aou]e" if small == small.upper() else "[aoAO]e|(?<![aeqAEQ])[uU]e"
    umlauts = dict(zip("aouAOU", "äöüÄÖÜ", strict=True))
    return re.sub(pairs, lambda match: umlauts[match[0][0]], text)


def _add_line(
    corpus: Corpus, table: TextTable, number: int, files: Mapping[str, Path], audio: Path
) -> None:
    """Add what is spoken of one line in all languages."""
    key = f"{table.character}{number:03d}"
    heard: dict[str, np.ndarray] = {}
    for language, file in files.items():
        try:
            heard[language] = read_voice(file)
        except ValueError:
            corpus.left_out.append(LeftOut(NAME, language, key, "nothing is heard"))
    if len(heard) == len(SPOKEN) and are_one_recording(*heard.values()):
        corpus.left_out.append(LeftOut(NAME, "en", key, ONE_RECORDING))
        del heard["en"]  # the game is Spanish
    texts = {lang: _text_of(rows, number, lang) for lang, rows in table.texts.items()}
    usable = {lang: spelt.text for lang, spelt in texts.items() if spelt.text}
    for language, samples in heard.items():
        file = audio / language / f"{key}.flac"
        file.parent.mkdir(parents=True, exist_ok=True)
        write_flac(file, samples, RATE)
        speaker = f"{language}_{NAME}_{role_of(table.character, number)}"
        own = texts[language]
        reason = own.reason or misfit(file, own.text)
        if reason:
            corpus.left_out.append(LeftOut(NAME, language, key, reason))
            if not (reason == NO_TEXT and key in NOISES):
                corpus.unlabelled.append(Speech(NAME, key, language, speaker, file))
            continue
        labels = {language: own.text} if key in NOT_PARALLEL else usable
        corpus.labelled.append(Speech(NAME, key, language, speaker, file, labels))
    for language, spelt in texts.items():
        if language not in heard and spelt.reason not in ("", NO_TEXT):
            reason = f"translation: {spelt.reason}"
            corpus.left_out.append(LeftOut(NAME, language, key, reason))


def _text_of(rows: list[str], number: int, language: str) -> NormalisedText:
    text = rows[number] if number < len(rows) else ""
    return spell_line(text, language) if text.strip() else NormalisedText("", NO_TEXT)
