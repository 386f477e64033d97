"""One objective of a run: its name, and what the rest of the house needs to know of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True)
class Objective:
    """One thing that the model learns; its kind makes it, see `kind.py`.

    Attributes:
        name: Such as `asr_fr`; all other code looks objectives up by it.
        kind: Name of its kind, or `module:Class` of a user's own.
        language: The language that is spoken; empty: utterances of all languages.
        target: The language that is written, where it is not the one that is spoken.
        label: Data name of its labels, such as `text_en`; empty: it learns from audio alone.
        label_file: File of a data dir that holds them, such as `text.en`.
        label_type: `text`, or `audio`: a second recording, as long as the speech and kept alike;
            `<na>` in its table is NaN in the batch.
        score_file: A further file of a data dir, from which scores are computed, such as `trials`.
        supervised: Whether it learns from labels.
        selects: Whether its accuracy takes part in `valid.acc`, by which a model is selected.
        transcribes: Whether an utterance with its label counts as labelled (`audio: labeled`).
    """

    name: str
    kind: str
    language: str = ""
    target: str | None = None
    label: str = ""
    label_file: str = ""
    label_type: str = "text"
    score_file: str = ""
    supervised: bool = True
    selects: bool = False
    transcribes: bool = False


def match_names(pattern: str, names: Sequence[str]) -> list[str]:
    """Return the names that a glob such as `st_*` matches, in their own order.

    Raises:
        ValueError: If it matches none; the message lists the valid names.
    """
    matched = [name for name in names if fnmatchcase(name, pattern)]
    if not matched:
        raise ValueError(f"{pattern!r} matches no objective; there are {list(names)}.")
    return matched
