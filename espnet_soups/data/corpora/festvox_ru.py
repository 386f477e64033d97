"""festvox-ru: one man reads Russian prose, 620 sentences of several books. BSD-like licence.

A `+` before a vowel of its texts marks the stress, commas mark where he pauses.
"""

import re
from pathlib import Path

from espnet_soups.data.corpora.audio_text_fit import misfit
from espnet_soups.data.corpora.parallel_speech import Corpus, LeftOut, Speech
from espnet_soups.data.corpora.spelling import spell
from espnet_soups.files import add_once, read_lines

NAME = "festvox"
LANGUAGE = "ru"
SPEAKER = "ru_festvox_nsh"  # the name of the voice
LIST = "etc/txt.done.data"
_ENTRY = re.compile(r'\( (\w+) "(.*)" \)')


def read_festvox_ru(folder: Path) -> Corpus:
    """Read the sentences with their recordings.

    Args:
        folder: Of the unpacked package.

    Returns:
        The sentences, in the order of the list; what was left out.

    Raises:
        OSError: If the list is missing.
        ValueError: If a line of it is malformed.
    """
    lists = sorted(folder.rglob(LIST))
    if not lists:
        raise FileNotFoundError(f"There is no {LIST} below {folder}: delete it and run again.")
    root = lists[0].parents[1]
    corpus = Corpus([])
    for key, text in read_sentences(lists[0]).items():
        spelt = spell(text.replace("+", ""), LANGUAGE)
        file = root / "wav" / f"{key}.wav"
        speech = Speech(NAME, key, LANGUAGE, SPEAKER, file, {LANGUAGE: spelt.text})
        reason = spelt.reason or ("" if file.is_file() else "no recording")
        reason = reason or misfit(file, spelt.text)
        if not reason:
            corpus.labelled.append(speech)
            continue
        corpus.left_out.append(LeftOut(NAME, LANGUAGE, key, reason))
        if file.is_file() and not reason.startswith("cannot be read"):
            corpus.unlabelled.append(Speech(NAME, key, LANGUAGE, SPEAKER, file))
    return corpus


def read_sentences(path: Path) -> dict[str, str]:
    """Read the list of sentences, `( key "text" )` a line.

    Args:
        path: The list.

    Returns:
        Key to text, in the order of the list.

    Raises:
        ValueError: If a line is something else, or a key has two texts.
    """
    sentences: dict[str, str] = {}
    for number, line in enumerate(read_lines(path), start=1):
        if not line.strip():
            continue
        entry = _ENTRY.fullmatch(line.strip())
        if entry is None:
            raise ValueError(
                f'{path}:{number}: the line is {line!r:.60}, but must be `( key "text" )`; delete'
                " the folder of the package and run again."
            )
        add_once(sentences, entry[1], entry[2], f"{path}:{number}")
    return sentences
