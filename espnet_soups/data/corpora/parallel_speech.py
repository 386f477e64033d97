"""What the corpora of `egs2/debian_speech` give: recordings with texts in several languages."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Speech:
    """One recording.

    Attributes:
        corpus: Name of the corpus.
        key: What it says; the same in all languages of a corpus.
        language: Language that is spoken.
        speaker: Who speaks; unique over all corpora.
        audio: The file.
        texts: Language to normalised text: the transcript, and translations. Empty: it has no
            labels.
    """

    corpus: str
    key: str
    language: str
    speaker: str
    audio: Path
    texts: Mapping[str, str] = field(default_factory=dict)

    @property
    def utterance(self) -> str:
        """Utterance id; the speaker is its prefix, as Kaldi's tools like it."""
        return f"{self.speaker}-{self.key.replace('/', '_')}"


@dataclass(frozen=True)
class LeftOut:
    """A recording, a text or a translation that is left out, and why."""

    corpus: str
    language: str
    key: str
    reason: str


@dataclass(frozen=True)
class Corpus:
    """What was read of a corpus.

    Attributes:
        labelled: Recordings with their transcripts.
        unlabelled: Recordings of speech without one.
        left_out: What is missing in `labelled`, and why.
    """

    labelled: list[Speech]
    unlabelled: list[Speech] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
