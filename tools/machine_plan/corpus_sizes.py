"""State the sizes of the recipes' corpora: hours, clips, vocabularies, archives, as published."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

WAV_GB_PER_HOUR = 16_000 * 2 * 3600 / 1e9  # 16 kHz, 16 bits


@dataclass(frozen=True)
class LanguageSize:
    """Audio of one language.

    Attributes:
        train: Hours of the training set.
        dev: Hours of the validation set.
        test: Hours of all test sets.
        utterances: Number of utterances of the training set.
        vocabulary: Number of tokens of its recognition head.
        translated: Whether it is translated, too.
    """

    train: float
    dev: float
    test: float
    utterances: int
    vocabulary: int
    translated: bool = False


@dataclass(frozen=True)
class CorpusSize:
    """Corpora of a recipe.

    Attributes:
        languages: Spoken languages.
        target: Target language of translations; empty: there are none.
        target_vocabulary: Number of tokens of the translation heads.
        archives_gb: Size of the downloads, GB.
        unpacked_gb: Size that unpacking adds, GB.
        converted: Whether audio is written once more, as 16 kHz FLAC.
    """

    languages: Mapping[str, LanguageSize]
    target: str
    target_vocabulary: int
    archives_gb: float
    unpacked_gb: float
    converted: bool

    @property
    def pairs(self) -> list[str]:
        """Pairs that are translated."""
        return [f"{name}_{self.target}" for name, size in self.languages.items() if size.translated]

    @property
    def train_hours(self) -> float:
        """Hours of training."""
        return sum(size.train for size in self.languages.values())

    @property
    def dev_hours(self) -> float:
        """Hours of validation."""
        return sum(size.dev for size in self.languages.values())

    @property
    def hours(self) -> float:
        """Hours of all sets."""
        return self.train_hours + self.dev_hours + sum(s.test for s in self.languages.values())

    @property
    def translated_share(self) -> float:
        """Share of the training audio that is translated."""
        return sum(s.train for s in self.languages.values() if s.translated) / self.train_hours

    @property
    def clip_seconds(self) -> float:
        """Mean length of an utterance, weighted by audio, seconds."""
        means = [(s.train, 3600 * s.train / s.utterances) for s in self.languages.values()]
        return sum(hours * seconds for hours, seconds in means) / self.train_hours


# CoVoST 2: hours of the extended training sets (covost's own table), official utterances; sizes of
# the archives of Common Voice 4. LibriSpeech: its paper; archives of OpenSLR 12. AISHELL-1: about
# 150, 10 and 5 hours; OpenSLR 33, whose archives hold archives of speakers that stay.
CORPUS_SIZES: Mapping[str, CorpusSize] = {
    "covost2": CorpusSize(
        languages={
            "en": LanguageSize(430, 26, 25, 289_430, 502),
            "fr": LanguageSize(264, 22, 23, 207_374, 502, translated=True),
            "de": LanguageSize(184, 21, 22, 127_834, 502, translated=True),
            "es": LanguageSize(113, 22, 23, 79_015, 502, translated=True),
            "ca": LanguageSize(136, 19, 20, 95_854, 502, translated=True),
        },
        target="en",
        target_vocabulary=1002,
        archives_gb=82.5,
        unpacked_gb=82.5,
        converted=True,
    ),
    "librispeech_aishell": CorpusSize(
        languages={
            "en": LanguageSize(100.6, 10.7, 10.5, 28_539, 1002),
            "zh": LanguageSize(150, 10, 5, 120_098, 4233),
        },
        target="",
        target_vocabulary=0,
        archives_gb=7.7 + 15.6,
        unpacked_gb=7.7 + 15.6 + 178 * WAV_GB_PER_HOUR,
        converted=False,
    ),
}


def find_corpus(recipe: Path) -> CorpusSize:
    """Return the size of the corpora of a recipe.

    Args:
        recipe: Folder of the recipe, such as `egs2/covost2/msp1`.

    Raises:
        ValueError: If its size is not known.
    """
    name = recipe.resolve().parent.name
    if name not in CORPUS_SIZES:
        raise ValueError(
            f"The size of the corpora of {recipe} is not known; known are {sorted(CORPUS_SIZES)}."
        )
    return CORPUS_SIZES[name]
