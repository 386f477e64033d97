"""Vary a recipe's data for studies: hide labels, or plant a language that conflicts."""

import codecs
import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from espnet_soups.data.data_dir import NO_LABEL, DataDir, read_data_dir, write_data_dir
from espnet_soups.settings import refuse_unknown

PLANTED = "planted"  # prefix of ids of planted utterances


def hide_labels(folder: Path, kept: Mapping[str, float]) -> dict[str, int]:
    """Keep the labels of a share of the utterances of each language, and hide the others.

    The audio stays, so that self-supervision still uses all of it. The utterance id alone decides
    which labels stay; a larger share keeps all labels that a smaller one keeps.

    Args:
        folder: The data dir; it is rewritten in place.
        kept: Language to the share of its utterances that keep their labels, 0 to 1. Languages that
            are not named keep all.

    Returns:
        Language to the number of utterances that kept their labels.

    Raises:
        ValueError: If a share is not between 0 and 1, or a language is not in the set.
    """
    for language, share in kept.items():
        if not 0 <= share <= 1:
            raise ValueError(f"The share of {language} must lie between 0 and 1, but got {share}.")
    data = read_data_dir(folder)
    refuse_unknown(f"The shares for {folder}", kept, sorted(set(data.languages.values())))
    labelled = {
        key for key in data.audio if any(table[key] != NO_LABEL for table in data.labels.values())
    }
    shown: set[str] = set()
    for language in sorted(set(data.languages.values())):
        keys = sorted((key for key in labelled if data.languages[key] == language), key=_draw)
        shown.update(keys[: round(kept.get(language, 1.0) * len(keys))])
    labels = {
        name: {key: label if key in shown else NO_LABEL for key, label in table.items()}
        for name, table in data.labels.items()
    }
    write_data_dir(replace(data, labels=labels))
    return dict(sorted(Counter(data.languages[key] for key in shown).items()))


def plant_language(folder: Path, source: str, planted: str) -> int:
    """Keep one language, and add each of its utterances once more with permuted letters.

    The copy has the same audio; its transcript is shifted by 13 letters (ROT13). A model that
    writes both with one CTC layer cannot know which of them is wanted: one gains what the other
    loses, and the weights of the two decide where training ends.

    Args:
        folder: The data dir; it is rewritten in place, with transcripts as its only labels.
        source: The language that is copied; its letters must be Latin.
        planted: Name of the new language.

    Returns:
        The number of utterances of each of the two languages.

    Raises:
        ValueError: If the set lacks the source language, or has the planted one.
    """
    data = read_data_dir(folder)
    languages = sorted(set(data.languages.values()))
    refuse_unknown(f"The language to copy in {folder}", [source], languages)
    if planted in languages:
        raise ValueError(f"{folder} has utterances of `{planted}` already: choose another name.")
    kept = data.keep_languages([source])
    texts = kept.labels["text"]

    def twice(table: Mapping[str, str]) -> dict[str, str]:
        return dict(table) | {f"{PLANTED}_{key}": value for key, value in table.items()}

    written = {
        f"{PLANTED}_{key}": text if text == NO_LABEL else codecs.encode(text, "rot13")
        for key, text in texts.items()
    }
    write_data_dir(
        DataDir(
            path=folder,
            audio=twice(kept.audio),
            languages=dict(kept.languages)
            | {f"{PLANTED}_{key}": planted for key in kept.languages},
            speakers=dict(kept.speakers)
            | {f"{PLANTED}_{key}": f"{PLANTED}_{name}" for key, name in kept.speakers.items()},
            labels={"text": dict(texts) | written},
            groups=twice(kept.groups),
            speeds=twice(kept.speeds),
        )
    )
    return len(texts)


def _draw(key: str) -> bytes:
    return hashlib.blake2b(key.encode()).digest()
