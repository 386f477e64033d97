"""What decoding gives back."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Hypothesis:
    """One decoded label.

    Attributes:
        text: The text.
        tokens: Its tokens.
        token_int: Their ids in the objective's own token list.
        score: Log probability: of the best path for greedy CTC, else the search's weighted sum.
    """

    text: str
    tokens: tuple[str, ...]
    token_int: tuple[int, ...]
    score: float


@dataclass(frozen=True)
class Result:
    """What was decoded of one utterance.

    Attributes:
        language: The language that is spoken.
        nbest: Name of each decoded objective -> its hypotheses, best first.

    >>> hello = Hypothesis("hi", ("h", "i"), (2, 3), -0.5)
    >>> Result("fr", {"st_fr_en": (hello,)}).translations["en"].text
    'hi'
    """

    language: str
    nbest: Mapping[str, tuple[Hypothesis, ...]]

    @property
    def transcript(self) -> Hypothesis | None:
        """The best transcript; None where the language is not recognised."""
        found = self.nbest.get(f"asr_{self.language}")
        return None if found is None else found[0]

    @property
    def translations(self) -> dict[str, Hypothesis]:
        """The best translation by target language."""
        prefix = f"st_{self.language}_"
        return {
            name.removeprefix(prefix): found[0]
            for name, found in self.nbest.items()
            if name.startswith(prefix)
        }
