"""Results of decoding."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from espnet_soups.objectives.recognition import Recognition
from espnet_soups.objectives.translation import Translation

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor


@dataclass(frozen=True)
class Hypothesis:
    """One decoded label.

    Attributes:
        text: The text; empty if the result is an array.
        tokens: Its tokens.
        token_int: Their ids in the objective's own token list.
        score: Log probability of the best path for greedy CTC, else the weighted sum of the search.
        array: The result if it is an array: a vector [D] or frames [T, D]; None if it is a text.
            Comparisons of hypotheses ignore it.
    """

    text: str
    tokens: tuple[str, ...]
    token_int: tuple[int, ...]
    score: float
    array: "NDArray[Any] | None" = field(default=None, compare=False)


class Decoder(Protocol):
    """Decoder of encoded speech."""

    def __call__(self, encoded: "Tensor", lengths: "Tensor") -> list[tuple[Hypothesis, ...]]:
        """Return the hypotheses of each utterance, best first, at least one.

        Args:
            encoded: Encoder output, [B, T, D].
            lengths: Frames of each utterance, [B].
        """
        ...


class SpeechDecoder(Protocol):
    """Decoder for a kind whose head reads `encoded+speech`."""

    def __call__(
        self, encoded: "Tensor", lengths: "Tensor", speech: "Tensor", speech_lengths: "Tensor"
    ) -> list[tuple[Hypothesis, ...]]:
        """Return the hypotheses of each utterance, best first, at least one.

        Args:
            encoded: Encoder output, [B, T', D].
            lengths: Encoded frames of each utterance, [B].
            speech: Features [B, T, F] before normalisation, or samples [B, S].
            speech_lengths: Frames or samples of each utterance, [B].
        """
        ...


def transcript_name(language: str) -> str:
    """Return the name of the objective that recognises a language.

    Args:
        language: Code of the language.
    """
    return f"{Recognition.name}_{language}"


def translation_name(source: str, target: str) -> str:
    """Return the name of the objective that translates one language into another.

    Args:
        source: Code of the spoken language.
        target: Code of the language of the translation.
    """
    return f"{Translation.name}_{source}_{target}"


@dataclass(frozen=True)
class Result:
    """Decoded objectives of one utterance.

    Attributes:
        language: The spoken language.
        nbest: Name of each decoded objective to its hypotheses, best first.

    >>> hello = Hypothesis("hi", ("h", "i"), (2, 3), -0.5)
    >>> result = Result("fr", {"st_fr_en": (hello,), "cls_mood": (hello,)})
    >>> result.translations["en"].text, result.labels
    ('hi', {'cls_mood': 'hi'})
    """

    language: str
    nbest: Mapping[str, tuple[Hypothesis, ...]]

    @property
    def transcript(self) -> Hypothesis | None:
        """The best transcript; None if the language has no recognition."""
        found = self.nbest.get(self._transcript)
        return None if found is None else found[0]

    @property
    def translations(self) -> dict[str, Hypothesis]:
        """The best translation by target language."""
        return {
            name.removeprefix(self._translations): found[0]
            for name, found in self.nbest.items()
            if name.startswith(self._translations)
        }

    @property
    def labels(self) -> dict[str, str]:
        """The best text of every other objective by name, without results that are arrays."""
        return {
            name: found[0].text
            for name, found in self.nbest.items()
            if name != self._transcript
            and not name.startswith(self._translations)
            and found[0].array is None
        }

    @property
    def _transcript(self) -> str:
        return transcript_name(self.language)

    @property
    def _translations(self) -> str:
        return translation_name(self.language, "")
