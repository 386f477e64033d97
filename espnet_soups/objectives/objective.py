"""The objectives of a run: their names, tasks and languages, in one fixed order."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from espnet_soups.file_names import require_file_name


@dataclass(frozen=True)
class Objective:
    """One thing that the model learns.

    Attributes:
        name: `asr_<language>`, `st_<source>_<target>` or `ssl`; all other code looks objectives up
            by it.
        task: `asr`, `st` or `ssl`.
        language: The language that is spoken; empty for self-supervision, which takes all.
        target: The language that is written by translation; None for recognition.

    >>> translation("fr", "en")
    Objective(name='st_fr_en', task='st', language='fr', target='en')
    """

    name: str
    task: str
    language: str
    target: str | None = None

    @property
    def label(self) -> str:
        """The data name of its labels: `text`, or `text_<target>` for translation."""
        return "text" if self.target is None else f"text_{self.target}"


def recognition(language: str) -> Objective:
    """Return the objective of recognising one language.

    Raises:
        ValueError: If the language cannot be part of the name of a file.
    """
    require_file_name("A language", language)
    return Objective(f"asr_{language}", "asr", language)


def translation(source: str, target: str) -> Objective:
    """Return the objective of translating speech of one language into text of another.

    Raises:
        ValueError: If a language cannot be part of the name of a file.
    """
    for language in (source, target):
        require_file_name("A language", language)
    return Objective(f"st_{source}_{target}", "st", source, target)


def self_supervision() -> Objective:
    """Gives the objective of learning from audio alone: one for all languages, as in the paper."""
    return Objective("ssl", "ssl", "")


def build_objectives(
    asr_languages: Iterable[str], st_pairs: Iterable[str], ssl: bool = False
) -> list[Objective]:
    """Lists the objectives of a run: recognition, translation, self-supervision, each as given.

    Args:
        asr_languages: Languages to recognise, e.g. `["en", "fr"]`.
        st_pairs: Pairs to translate, e.g. `["fr_en"]` (source, underscore, target).
        ssl: Whether audio alone is learnt from, too.

    Returns:
        The objectives in the order that every vector and matrix of the run uses.

    Raises:
        ValueError: If a pair is malformed, a name is given twice, or there is no objective.
    """
    objectives = [recognition(language) for language in asr_languages]
    for pair in st_pairs:
        source, separator, target = pair.partition("_")
        if not (source and separator and target):
            raise ValueError(
                f"A pair of `st_pairs` must look like `fr_en` (source_target), but got {pair!r}."
            )
        objectives.append(translation(source, target))
    if ssl:
        objectives.append(self_supervision())
    names = [objective.name for objective in objectives]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(f"Each objective must be given once, but {repeated} came twice.")
    if not objectives:
        raise ValueError("There is no objective: give `asr_token_list`, `st_pairs` or `ssl`.")
    return objectives


def match_names(pattern: str, names: Sequence[str]) -> list[str]:
    """Gives the names that a glob such as `st_*` matches, in their own order.

    Raises:
        ValueError: If it matches none; the message lists the valid names.
    """
    matched = [name for name in names if fnmatchcase(name, pattern)]
    if not matched:
        raise ValueError(f"{pattern!r} matches no objective; there are {list(names)}.")
    return matched
