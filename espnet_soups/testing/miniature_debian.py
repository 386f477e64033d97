"""Miniatures of the speech in Debian's packages: their folders, files and traps, with noise."""

import gzip
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import soundfile

from espnet_soups.testing.miniature_corpora import write_noise

COMPLETE = "complete"
GAME = Path("usr/share/scummvm/drascula")
GAME_LANGUAGES = ("en", "es", "de", "fr", "it", "ru")
GAME_TABLES = ("", "D", "B", "BJ", "E", "I", "L", "P", "T", "VB")
WORDS = {
    "en": ("door", "window", "garden", "river"),
    "es": ("puerta", "ventana", "huerto", "arroyo"),
    "de": ("tor", "fenster", "garten", "fluss"),
    "fr": ("porte", "volet", "jardin", "fleuve"),
    "it": ("porta", "finestra", "giardino", "fiume"),
    "ru": ("дверь", "окно", "сад", "река"),
}
PROMPT_VOICES = {
    "en": ["en_US_f_Allison"],
    "fr": ["fr_CA_f_June"],
    "es": ["es_MX_f_Allison"],
    "it": ["it_IT_f_Carlo", "it_IT_f_Menardi"],
    "ru": ["ru_RU_f_Maria"],
}


def say(language: str, number: int) -> str:
    """Return one of 256 sentences; those of one number translate each other.

    Args:
        language: One of `WORDS`.
        number: From 0 to 255; others begin anew.
    """
    return " ".join(WORDS[language][number // 4**place % 4] for place in range(4))


def write_debian_speech(downloads: Path, lines: int = 40, sentences: int = 400) -> None:
    """Write all packages of `egs2/debian_speech`.

    There are 60 prompts, a noise and one with a number that nobody can read; one line says what a
    prompt says, and one is said twice.

    Args:
        downloads: Gets their folders.
        lines: Of each of five characters of the game.
        sentences: Of Russian prose.
    """
    texts = {
        language: {f"say-{n}": say(language, n) for n in range(60)}
        | {"digits/1": WORDS[language][0], "beep": "[a tone]", "vm-5": "500 lines"}
        for language in PROMPT_VOICES
    }
    write_prompts(downloads, texts)
    write_prompt_voice(downloads, "asterisk-prompt-es-co", "es", ["digits/1", "vm-x", "beep"])
    write_prompt_voice(downloads, "asterisk-prompt-fr-armelle", "fr", ["digits/1", "vm-y"])
    game = {
        character: [
            {lang: f"{say(lang, lines * index + n)} {WORDS[lang][1]}" for lang in GAME_LANGUAGES}
            for n in range(lines)
        ]
        for index, character in enumerate(("", "D", "BJ", "T", "VB"))
    }
    game[""][3] = {lang: say(lang, 7) for lang in GAME_LANGUAGES}
    game["T"][-1] = game[""][0]
    write_drascula(downloads, game)
    prose = [f"{say('ru', n)}, {WORDS['ru'][n // 256]} сад" for n in range(sentences)]
    write_festvox_ru(downloads, prose)


def write_prompts(
    downloads: Path, texts: Mapping[str, Mapping[str, str]], seconds: float = 2.0
) -> None:
    """Write the Asterisk prompts as Debian's packages are unpacked.

    Args:
        downloads: Gets a folder for each language.
        texts: Language to (key of a prompt, one of them below `digits/`, to its text).
        seconds: Length of a recording.
    """
    for language, prompts in texts.items():
        folder = downloads / language
        lines = [f"{key}: {text}" for key, text in prompts.items()]
        packed = gzip.compress(("\n".join(lines) + "\n").encode())
        (folder / "usr/share/doc").mkdir(parents=True)
        (folder / f"usr/share/doc/core-sounds-{language}.txt.gz").write_bytes(packed)
        for number, voice in enumerate(PROMPT_VOICES[language]):
            root = folder / "usr/share/asterisk/sounds" / voice
            for index, key in enumerate(prompts):
                write_noise(root / f"{key}.wav", seconds, 8000, 1000 * number + index)
        (folder / COMPLETE).touch()


def write_prompt_voice(downloads: Path, package: str, language: str, keys: Sequence[str]) -> None:
    """Write a package of prompts as GSM, without texts.

    Args:
        downloads: Gets a folder named as the package.
        package: Such as `asterisk-prompt-es-co`.
        language: Of the voice.
        keys: Names of the prompts, one of them below `digits/`.
    """
    root = downloads / package / "usr/share/asterisk/sounds" / language
    for number, key in enumerate(keys):
        path = root / f"{key}.gsm"
        path.parent.mkdir(parents=True, exist_ok=True)
        noise = 0.1 * np.random.default_rng(number).normal(size=16000)
        soundfile.write(str(path), noise, 8000, format="RAW", subtype="GSM610")
    (downloads / package / COMPLETE).touch()


def write_drascula(
    downloads: Path, lines: Mapping[str, Sequence[Mapping[str, str]]], seconds: float = 2.0
) -> None:
    """Write the game in English and Spanish: `drascula.dat`, a voice for every text, two effects.

    Args:
        downloads: Gets the folders `drascula` and `drascula-spanish`.
        lines: Character to its lines, each language to text; the first line has the number 1.
        seconds: Length of a voice.
    """
    english = downloads / "drascula" / GAME / "en"
    spanish = downloads / "drascula-spanish" / GAME / "es"
    for folder in (english, spanish):
        folder.mkdir(parents=True)
    (english / "drascula.dat").write_bytes(pack_text_tables(lines))
    for index, (language, folder) in enumerate((("en", english), ("es", spanish))):
        for character, texts in lines.items():
            for number, line in enumerate(texts, start=1):
                if language in line:
                    seed = 10_000 * index + 100 * GAME_TABLES.index(character) + number
                    write_game_voice(folder / f"{character}{number}.ALS", seconds, seed)
        write_game_voice(folder / "S1.ALS", 0.5, 7)
    (spanish / "drascula.dat").symlink_to("../en/drascula.dat")
    for name in ("drascula", "drascula-spanish"):
        (downloads / name / COMPLETE).touch()


def write_game_voice(path: Path, seconds: float, seed: int, silence: float = 0.3) -> None:
    """Write a voice: noise between silences, with what is no sound at either end.

    Args:
        path: The file.
        seconds: Length of the noise.
        seed: Of the noise.
        silence: Seconds before it and behind it.
    """
    noise = np.random.default_rng(seed).normal(128, 20, int(11025 * seconds)).clip(0, 255)
    quiet = np.full(int(11025 * silence), 128)
    sound = np.concatenate([quiet, noise, quiet]).astype(np.uint8).tobytes()
    header = b"Creative Voice File\x1a\x1a\x00\x0a\x01\x29\x11\x01\x03\x0f\x00\xd3\x00"
    path.write_bytes(header + sound + b"\x80" * 19 + b"\x00fact\x04\x00\x00\x00FILT")


def pack_text_tables(lines: Mapping[str, Sequence[Mapping[str, str]]]) -> bytes:
    """Return a `drascula.dat` with a table for each character.

    Args:
        lines: As `write_drascula` takes them.
    """
    parts = [b"DRASCULA\x06\x00\x9f", bytes(range(200)), b"\x00\x06" * 50]
    for character in GAME_TABLES:
        rows = [{}, *lines.get(character, [])]
        parts.append(struct.pack(">H", len(rows)))
        for language in GAME_LANGUAGES:
            block = b"\0\0"
            for row in rows:
                page = "cp1251" if language == "ru" else "cp850"
                text = row.get(language, "").encode(page) + b"\0"
                text += b"\0" * (-(len(text) + 2) % 4)
                block += struct.pack(">H", len(text) + 2) + text
            parts.append(struct.pack(">H", len(block)) + block)
    return b"".join(parts) + b"\x00\x01\x00\x02no table"


def write_festvox_ru(downloads: Path, sentences: Sequence[str], seconds: float = 2.0) -> None:
    """Write the Russian voice.

    Args:
        downloads: Gets the folder `festvox-ru`.
        sentences: What is read; their numbers begin with 1.
        seconds: Length of a recording.
    """
    root = downloads / "festvox-ru/usr/share/festival/voices/russian/msu_ru_nsh_clunits"
    (root / "etc").mkdir(parents=True)
    lines = []
    for number, sentence in enumerate(sentences, start=1):
        lines.append(f'( ru_{number:04d} "{sentence}" )')
        write_noise(root / "wav" / f"ru_{number:04d}.wav", seconds, 16000, number)
    (root / "etc/txt.done.data").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (downloads / "festvox-ru" / COMPLETE).touch()
