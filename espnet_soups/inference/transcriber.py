"""Transcribe or translate a recording of any length into texts with times."""

from dataclasses import dataclass

import numpy as np

from espnet_soups.inference.pieces import cut_recording, decode_pieces
from espnet_soups.inference.speech2text import Speech2Text
from espnet_soups.objectives.decoding.result import transcript_name, translation_name


@dataclass(frozen=True)
class Segment:
    """A piece of a recording.

    Attributes:
        start: Its beginning, seconds.
        end: Its end, seconds.
        text: What was said, or its translation.
        score: Log probability or search score of the text.
    """

    start: float
    end: float
    text: str
    score: float


@dataclass(frozen=True)
class Transcript:
    """Texts of a recording.

    Attributes:
        language: The spoken language.
        identified: Whether the model identified it.
        target: The language of the texts if they are translations; empty: they are transcripts.
        segments: The pieces, in order.
    """

    language: str
    identified: bool
    target: str
    segments: tuple[Segment, ...]

    @property
    def text(self) -> str:
        """All texts, joined by spaces."""
        return " ".join(segment.text for segment in self.segments if segment.text)


class Transcriber:
    """Transcriber or translator of recordings with one model.

    Args:
        speech2text: The model.
        language: The spoken language; empty: the model identifies it.
        translate: Whether texts are translations.
        target: The language of translations; empty: the only one that there is.
        longest: Largest length to decode at once, seconds; a longer recording is cut at silences.

    Raises:
        ValueError: If the model cannot do what is asked for; the message lists what it can.
    """

    def __init__(
        self,
        speech2text: Speech2Text,
        language: str = "",
        translate: bool = False,
        target: str = "",
        longest: float = 20.0,
    ) -> None:
        if not longest >= 1:
            raise ValueError(f"`--longest` must be 1 second or more, but got {longest}.")
        self.speech2text, self.language, self.longest = speech2text, language, longest
        self.targets = _targets(speech2text, translate)
        self.translate, self.target = translate, target
        if language:
            self._target_of(language)
        elif speech2text.identifier is None:
            option = "--from" if translate else "--lang"
            raise ValueError(
                f"This model does not identify languages: name the one that is spoken by"
                f" `{option}`, one of {', '.join(self.targets)}."
            )

    def __call__(self, samples: np.ndarray, rate: int, name: str) -> Transcript:
        """Return the transcript or translation of a recording.

        Args:
            samples: Samples in [-1, 1], `(samples,)`.
            rate: Their sampling rate, Hz.
            name: How messages name the recording.

        Raises:
            ValueError: If it is silent, too short, or of a language that the model lacks.
        """
        pieces = cut_recording(self.speech2text, samples, rate, self.longest, name)
        prepared = pieces.prepared
        try:
            language = self.language or self.speech2text.identify_language(prepared)
            target = self._target_of(language)
            wanted = translation_name(language, target) if target else transcript_name(language)
            found = decode_pieces(self.speech2text, prepared, language, [wanted])
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error
        texts = [result.nbest[wanted][0] for result in found]
        segments = tuple(
            Segment(start, end, text.text, text.score)
            for (start, end), text in zip(pieces.times, texts, strict=True)
        )
        return Transcript(language, not self.language, target, segments)

    def _target_of(self, language: str) -> str:
        """Return the target language for a spoken language; empty for transcripts.

        Raises:
            ValueError: If the model does not recognise it, or does not translate it into the
                target.
        """
        verb = "translates from" if self.translate else "recognises"
        if language not in self.targets:
            raise ValueError(
                f"This model does not know {language!r}: it {verb} {', '.join(self.targets)}."
            )
        if not self.translate:
            return ""
        targets = self.targets[language]
        if self.target not in (*targets, "") or (not self.target and len(targets) > 1):
            wanted = f"not into {self.target!r}" if self.target else "choose one by `--to`"
            raise ValueError(
                f"This model translates {language} into {', '.join(targets)}: {wanted}."
            )
        return self.target or targets[0]


def _targets(speech2text: Speech2Text, translate: bool) -> dict[str, list[str]]:
    """Return the languages that can be recognised, or those that can be translated, with targets.

    Raises:
        ValueError: If there is none.
    """
    found: dict[str, list[str]] = {}
    for objective in speech2text.objectives:
        language, name = objective.language, objective.name
        start = translation_name(language, "")
        if translate and name.startswith(start):
            found.setdefault(language, []).append(name.removeprefix(start))
        elif not translate and name == transcript_name(language):
            found[language] = [""]
    if not found:
        task = "translates" if translate else "recognises"
        names = ", ".join(speech2text.decoders)
        raise ValueError(f"This model {task} nothing: its objectives are {names}.")
    return found
