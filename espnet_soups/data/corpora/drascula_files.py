"""The files of the game Drascula: texts and voices, as their bytes show them.

`drascula.dat` ends with tables of texts, one for each character of the game. A table begins with
the number of its texts (two bytes, the higher one first). For each of six languages follow the
bytes of a block (two bytes), and the block: two bytes of zero, and the texts. A text is its bytes
(two bytes, themselves included, a multiple of four), the letters, and one to four bytes of zero.
Russian is in code page 1251, the others are in code page 850.

A voice, `<character><number of the text>.ALS`, is 8-bit samples without sign or header. The first
32 bytes are the place of a header (a sound effect still has it: `Creative Voice File`), the last
32 may hold the beginning of a chunk of RIFF (`fact`). Neither is sound.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

LANGUAGES = ("en", "es", "de", "fr", "it", "ru")  # in this order in a table
CHARACTERS = (
    "",
    "D",
    "B",
    "BJ",
    "E",
    "I",
    "L",
    "P",
    "T",
    "VB",
)  # of the tables, by the names of voices
RATE = 11025  # Hz: at half of it they would speak too slowly, at twice of it too fast for people
MARGIN = 32  # bytes
FAINTEST = 2.5  # steps of 128; what is below at either end is silence
KEPT_SECONDS = 0.1  # of that silence
SIGN = b"DRASCULA"


@dataclass(frozen=True)
class TextTable:
    """The texts of a character.

    Attributes:
        character: How the names of its voices begin; empty: the hero.
        texts: Language to texts; the place of a text is the number of its voice.
    """

    character: str
    texts: dict[str, list[str]]


def read_text_tables(path: Path) -> list[TextTable]:
    """Read the texts of all characters.

    Args:
        path: `drascula.dat`.

    Returns:
        A table for each of `CHARACTERS`.

    Raises:
        OSError: If there is no such file.
        ValueError: If it is of another kind, or cut off.
    """
    content = path.read_bytes()
    if not content.startswith(SIGN):
        raise ValueError(f"{path} does not begin with {SIGN.decode()}: it is no drascula.dat.")
    place = _first_table(content)
    tables: list[TextTable] = []
    while len(tables) < len(CHARACTERS):
        table = _table_at(content, place) if place >= 0 else None
        if table is None:
            raise ValueError(
                f"{path} has texts of {len(tables)} characters, but {len(CHARACTERS)} are needed:"
                " it is cut off, or of another release; fetch the package anew."
            )
        texts, place = table
        tables.append(TextTable(CHARACTERS[len(tables)], texts))
    return tables


def read_voice(path: Path) -> np.ndarray:
    """Read a recording, without most of the silence at its ends.

    Args:
        path: An `.ALS` file.

    Returns:
        Samples in [-1, 1], float32, [samples], at `RATE`.

    Raises:
        OSError: If there is no such file.
        ValueError: If nothing is heard in it.
    """
    content = np.frombuffer(path.read_bytes()[MARGIN:-MARGIN], np.uint8)
    samples = content.astype(np.float32) - 128.0
    heard = np.flatnonzero(np.abs(samples) > FAINTEST)
    if not len(heard):
        raise ValueError(f"{path}: nothing is heard in it.")
    kept = round(KEPT_SECONDS * RATE)
    part: np.ndarray = samples[max(heard[0] - kept, 0) : heard[-1] + 1 + kept] / 128.0
    return part


def are_one_recording(first: np.ndarray, second: np.ndarray) -> bool:
    """Return whether two recordings are the same, perhaps at another loudness, or shifted.

    The largest normalised cross-correlation of different recordings of speech is far below one
    half: every two voices of the game's two languages that are not the same lie below it.

    Args:
        first: Samples, [samples].
        second: Samples, [samples].
    """
    a, b = first - first.mean(), second - second.mean()
    size = 1 << int(len(a) + len(b) - 1).bit_length()
    correlation = np.fft.irfft(np.fft.rfft(a, size) * np.conj(np.fft.rfft(b, size)), size)
    return bool(correlation.max() > 0.5 * np.linalg.norm(a) * np.linalg.norm(b))


def _first_table(content: bytes) -> int:
    """Return where the first table with a text begins; -1: there is none."""
    for place in range(len(content)):
        table = _table_at(content, place)
        if table and any(map(any, table[0].values())):
            return place
    return -1


def _table_at(content: bytes, place: int) -> tuple[dict[str, list[str]], int] | None:
    """Return the table that begins at a place, and where it ends; None: none does."""
    number = _number_at(content, place)
    place += 2
    texts: dict[str, list[str]] = {}
    for language in LANGUAGES:
        size = _number_at(content, place)
        place += 2
        block = content[place : place + size]
        found = _split_block(block, number) if len(block) == size else None
        if found is None:
            return None
        page = "cp1251" if language == "ru" else "cp850"
        texts[language] = [text.decode(page, errors="replace") for text in found]
        place += size
    return texts, place


def _split_block(block: bytes, number: int) -> Sequence[bytes] | None:
    """Return the texts of a block; None: it is none."""
    if number == 0 or block[:2] != b"\0\0":
        return None
    place, texts = 2, []
    for _ in range(number):
        size = _number_at(block, place)
        text, end, padding = block[place + 2 : place + size].partition(b"\0")
        if size < 4 or size % 4 or not end or padding.strip(b"\0"):
            return None
        texts.append(text)
        place += size
    return texts if place == len(block) else None


def _number_at(content: bytes, place: int) -> int:
    """Return the number of two bytes; 0 behind the end."""
    part = content[place : place + 2]
    return int(struct.unpack(">H", part)[0]) if len(part) == 2 else 0
