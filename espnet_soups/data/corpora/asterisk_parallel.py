"""The Asterisk prompts with their texts in all languages, and prompts of voices without texts."""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import soundfile

from espnet_soups.data.corpora.asterisk import (
    LANGUAGES,
    Prompt,
    assign_sets,
    find_speakers,
    read_prompts,
    read_texts,
)
from espnet_soups.data.corpora.asterisk_text import normalise_text
from espnet_soups.data.corpora.parallel_speech import Corpus, LeftOut, Speech
from espnet_soups.data.corpora.spelling import spell

NAME = "asterisk"
# Package -> (language, speaker). Their texts are not known: they say other words than the lists do.
VOICES = {
    "asterisk-prompt-es-co": ("es", "es_asterisk_july"),
    "asterisk-prompt-fr-armelle": ("fr", "fr_asterisk_armelle"),
}
NO_SPEECH = ("beep", "silence", "tt-monkeys")  # how the names of noises begin


def read_parallel_prompts(downloads: Path) -> tuple[Corpus, dict[str, str]]:
    """Read the prompts of all languages.

    Args:
        downloads: As `download_prompts` leaves it.

    Returns:
        (prompts with their texts in all languages; recordings without a usable text; what was left
        out, key of a prompt to the set that `egs2/asterisk` puts it into).

    Raises:
        OSError: If a language is missing.
    """
    corpus = Corpus([])
    prompts: list[Prompt] = []
    for language in LANGUAGES:
        found, removals = read_prompts(downloads / language, language)
        prompts += found
        corpus.left_out.extend(LeftOut(NAME, language, r.key, r.reason) for r in removals)
    texts: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for prompt in prompts:
        spelt = spell(prompt.text, prompt.language)
        if spelt.text:
            texts[prompt.key][prompt.language] = spelt.text
        else:
            left_out = LeftOut(NAME, prompt.language, prompt.key, spelt.reason)
            corpus.left_out.append(left_out)
    for p in prompts:
        if p.language in texts[p.key]:
            speech = Speech(NAME, p.key, p.language, p.speaker, p.audio, texts[p.key])
            corpus.labelled.append(speech)
    used = {speech.audio for speech in corpus.labelled}
    noises = _noises(downloads)
    for language in LANGUAGES:
        for speaker, root in find_speakers(downloads / language, language):
            rest = [file for file in sorted(root.rglob("*.wav")) if file not in used]
            corpus.unlabelled.extend(_unlabelled(rest, root, language, speaker, noises))
    return corpus, assign_sets(prompts)


def read_voices(package: str, folder: Path) -> list[Speech]:
    """Read the prompts of a voice whose texts are not known.

    Args:
        package: One of `VOICES`.
        folder: Where it was unpacked.

    Raises:
        FileNotFoundError: If there are no recordings.
    """
    language, speaker = VOICES[package]
    roots = sorted({path.parent for path in folder.rglob("digits") if any(path.glob("*.gsm"))})
    if not roots:
        raise FileNotFoundError(f"There are no recordings below {folder}: delete it and run again.")
    files = sorted(roots[0].rglob("*.gsm"))
    return _unlabelled(files, roots[0], language, speaker, set())


def _unlabelled(
    files: Iterable[Path], root: Path, language: str, speaker: str, noises: set[str]
) -> list[Speech]:
    """Return recordings that hold speech, without texts."""
    found = []
    for file in files:
        key = file.relative_to(root).with_suffix("").as_posix()
        if key not in noises and not key.startswith(NO_SPEECH) and _is_audio(file):
            found.append(Speech(NAME, key, language, speaker, file))
    return found


def _is_audio(file: Path) -> bool:
    try:
        return bool(soundfile.info(str(file)).frames)
    except soundfile.LibsndfileError:
        return False


def _noises(downloads: Path) -> set[str]:
    """Return the prompts that a list says to be no speech, such as `[a beep]`."""
    return {
        key
        for language in LANGUAGES
        for key, text in read_texts(downloads / language, language).items()
        if normalise_text(text, language).reason == "not speech"
    }
