"""Utterances of a set to decode in a benchmark."""

from collections.abc import Sequence
from pathlib import Path

from espnet_soups.data.speech_source import SpeechSource
from espnet_soups.files import read_table
from espnet_soups.inference.speech2text import Speech2Text


def open_source(set_dir: Path, speech2text: Speech2Text) -> SpeechSource:
    """Return the speech of a set: its features, or else its audio files.

    Args:
        set_dir: Folder with feats.scp or wav.scp.
        speech2text: The model, whose input shows which of them it reads.

    Raises:
        FileNotFoundError: If there is no such file.
    """
    fs = None if speech2text.features is None else speech2text.features.fs
    features = set_dir / "feats.scp"
    if speech2text.input_size is not None and features.is_file():
        return SpeechSource(f"{features},speech,kaldi_ark", fs)
    return SpeechSource(f"{set_dir / 'wav.scp'},speech,sound", fs)


def choose_utterances(
    source: SpeechSource, utt2lang: Path, languages: Sequence[str], number: int
) -> dict[str, list[str]]:
    """Return utterances of each language, at equal distances in the order of the file.

    Args:
        source: The speech.
        utt2lang: Language of each utterance.
        languages: The languages.
        number: Utterances of each language at most.

    Raises:
        ValueError: If an utterance has no language, or a language no utterance.
    """
    table = read_table(utt2lang)
    unknown = [key for key in source.places if key not in table]
    if unknown:
        raise ValueError(
            f"{utt2lang} lacks {len(unknown)} utterances of {source.path}: {unknown[:3]}."
        )
    chosen = {}
    for language in languages:
        own = [key for key in source.places if table[key] == language]
        if not own:
            raise ValueError(
                f"{utt2lang} has no utterance of {language!r}, which the model decodes."
            )
        count = min(number, len(own))
        chosen[language] = [own[len(own) * n // count] for n in range(count)]
    return chosen
