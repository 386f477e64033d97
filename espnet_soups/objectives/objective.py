"""One objective of a run, as data: its name, and the facts that other packages need."""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True)
class Objective:
    """Objective that the model learns; its kind makes it, see `kind.py`.

    Attributes:
        name: Name such as `asr_fr`; all other code looks objectives up by it.
        kind: Name of its kind, or `module:Class` of a user's own.
        language: The spoken language; empty for utterances of all languages.
        target: The written language, if it is not the spoken one.
        label: Data name of its labels, such as `text_en`; empty if it learns from audio alone.
        label_file: File of a data dir that holds them, such as `text.en`.
        label_type: `text`, or `audio`: a second recording, as long as the speech and stored alike;
            `<na>` in its table becomes NaN in the batch.
        score_file: Another file of a data dir, from which scores are computed, such as `trials`.
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

    Args:
        pattern: A glob, or a name.
        names: The names to choose from.

    Raises:
        ValueError: If none matches; the message lists the valid names.
    """
    matched = [name for name in names if fnmatchcase(name, pattern)]
    if not matched:
        raise ValueError(f"{pattern!r} matches no objective; there are {list(names)}.")
    return matched
