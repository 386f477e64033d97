"""From the bytes of an audio file to all that the page shows."""

import io
from typing import Any

import numpy as np
import soundfile

from espnet_soups.data.audio import decode_audio
from espnet_soups.inference.alignment import Word, align_words
from espnet_soups.inference.pieces import Pieces, cut_recording, decode_pieces
from espnet_soups.inference.speech2text import Speech2Text
from espnet_soups.objectives.decoding.result import Result, transcript_name, translation_name

BARS = 40  # of the waveform that the page draws, per second
PER_SECOND = 400_000  # samples of all channels together: 8 of 48 kHz
WAY_OUT = "choose a recording, such as WAV, FLAC, MP3 or OGG"


class Listener:
    """What the page asks: a model, and limits.

    Args:
        speech2text: The model.
        name: How the page calls the model.
        longest: Seconds that are decoded at once; what is longer is cut at silences.
        max_seconds: Longer recordings are refused.

    Raises:
        ValueError: If a limit is not valid, or the model neither recognises nor translates.
    """

    def __init__(
        self, speech2text: Speech2Text, name: str, longest: float, max_seconds: float
    ) -> None:
        if not longest >= 1:
            raise ValueError(f"`--longest` must be 1 second or more, but got {longest}.")
        if not max_seconds > 0:
            raise ValueError(f"`--max_seconds` must be positive, but got {max_seconds}.")
        self.speech2text, self.name = speech2text, name
        self.longest, self.max_seconds = longest, max_seconds
        self.targets = _targets(speech2text)
        if not self.targets:
            names = ", ".join(speech2text.decoders)
            raise ValueError(
                f"This model neither recognises nor translates speech: its objectives are {names}."
            )

    def about(self) -> dict[str, Any]:
        """Return what the page shows before it is used: name, languages, and limits."""
        return {
            "name": self.name,
            "languages": list(self.targets),
            "identifies": self.speech2text.identifier is not None,
            "max_seconds": self.max_seconds,
        }

    def __call__(self, content: bytes, language: str, name: str) -> dict[str, Any]:
        """Return what a recording says.

        Args:
            content: An audio file with its header.
            language: The language that is spoken; empty: the model identifies it.
            name: How messages call the recording.

        Returns:
            `seconds`, `language`, `identified` (whether the model found the language out), `text`
            (None: the language is only translated), `translations` by language, and `pieces`, each
            with `start`, `end`, `text`, `translations`, `peaks` (the waveform, 0 to 1) and `words`
            (`text`, `start`, `end`, in seconds of the recording; None: without CTC no word has a
            time).

        Raises:
            ValueError: If it is no audio, silent, too long or too short, or the model lacks the
                language.
        """
        self._check_language(language)
        self._check_length(content, name)
        samples, rate = decode_audio(io.BytesIO(content), name, WAY_OUT)
        pieces = cut_recording(self.speech2text, samples, rate, self.longest, name)
        try:
            spoken = language or self.speech2text.identify_language(pieces.prepared)
            self._check_language(spoken)
            results = decode_pieces(
                self.speech2text, pieces.prepared, spoken, self._objectives(spoken)
            )
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error
        loudest = float(np.max(np.abs(samples)))
        found = []
        for number, (result, times) in enumerate(zip(results, pieces.times, strict=True)):
            first, behind = (round(time * rate) for time in times)
            peaks = draw_peaks(samples[first:behind] / loudest, rate)
            found.append(self._piece(result, pieces, number) | {"peaks": peaks})
        recognised = any(piece["text"] is not None for piece in found)
        return {
            "seconds": round(len(samples) / rate, 3),
            "language": spoken,
            "identified": not language,
            "text": _join([piece["text"] for piece in found]) if recognised else None,
            "translations": {
                target: _join([piece["translations"][target] for piece in found])
                for target in self.targets[spoken]
            },
            "pieces": found,
        }

    def _objectives(self, language: str) -> list[str]:
        translated = [translation_name(language, target) for target in self.targets[language]]
        return [transcript_name(language), *translated]

    def _piece(self, result: Result, pieces: Pieces, number: int) -> dict[str, Any]:
        start, end = pieces.times[number]
        words: tuple[Word, ...] | None = None
        if result.transcript is not None:
            name = transcript_name(result.language)
            prepared, seconds = pieces.prepared[number], pieces.seconds[number]
            words = align_words(self.speech2text, prepared, name, result.transcript, seconds)
        return {
            "start": start,
            "end": end,
            "text": None if result.transcript is None else result.transcript.text,
            "translations": {key: value.text for key, value in result.translations.items()},
            "words": None if words is None else [_shift(word, start, end) for word in words],
        }

    def _check_language(self, language: str) -> None:
        known = ", ".join(self.targets)
        if language and language not in self.targets:
            raise ValueError(f"This model does not know the language {language!r}: it has {known}.")
        if not language and self.speech2text.identifier is None:
            raise ValueError(
                f"This model does not identify languages: choose the one that is spoken, {known}."
            )

    def _check_length(self, content: bytes, name: str) -> None:
        """Refuse what is too long before it is decoded: compressed audio may be hours."""
        try:
            info = soundfile.info(io.BytesIO(content))
        except soundfile.LibsndfileError:
            return  # decoding says why
        if info.frames / info.samplerate > self.max_seconds:
            raise ValueError(
                f"{name} is {info.frames / info.samplerate:,.0f} s long, but this page takes"
                f" {self.max_seconds:g} s at most: cut it, or use `espnet-soups transcribe`."
            )
        if info.frames * info.channels > PER_SECOND * self.max_seconds:
            raise ValueError(
                f"{name} has {info.channels} channels of {info.samplerate:,} Hz, more than this"
                " page takes: write it as one channel of 16,000 Hz."
            )


def draw_peaks(samples: np.ndarray, rate: int) -> list[float]:
    """Return the loudest sample of each fortieth of a second.

    Args:
        samples: In [-1, 1], [samples].
        rate: Their sampling rate, Hz.

    >>> draw_peaks(np.array([0.1, -0.2, 0.4, 0.0]), rate=80)
    [0.2, 0.4]
    """
    bars = max(1, round(len(samples) / rate * BARS))
    starts = np.linspace(0, len(samples), min(bars, len(samples)), endpoint=False).astype(int)
    return [round(float(peak), 3) for peak in np.maximum.reduceat(np.abs(samples), starts)]


def _targets(speech2text: Speech2Text) -> dict[str, list[str]]:
    """Return the languages that are recognised or translated, and into which."""
    found: dict[str, list[str]] = {}
    for objective in speech2text.objectives:
        language, name = objective.language, objective.name
        start = translation_name(language, "")
        if name == transcript_name(language):
            found.setdefault(language, [])
        elif name.startswith(start):
            found.setdefault(language, []).append(name.removeprefix(start))
    return found


def _join(texts: list[str | None]) -> str:
    return " ".join(text for text in texts if text)


def _shift(word: Word, start: float, end: float) -> dict[str, Any]:
    # a word may reach into the silence that a short piece was given
    first, behind = (min(round(time + start, 3), end) for time in (word.start, word.end))
    return {"text": word.text, "start": first, "end": behind}
