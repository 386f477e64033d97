"""References beside hypotheses of one objective, matched by key."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from espnet_soups.data.label_text import clean_label
from espnet_soups.objectives.objective import Objective, recognition, translation
from espnet_soups.scoring.text_file import NOT_AVAILABLE, read_text


@dataclass(frozen=True)
class TextPairs:
    """What is compared for one objective.

    Attributes:
        objective: The objective.
        keys: Utterance ids in the order of the reference.
        references: What should have been written, never empty.
        hypotheses: What was written; the empty text is all deletions.
        without_reference: Number of utterances that were left out since their label is `<na>`.
    """

    objective: Objective
    keys: list[str]
    references: list[str]
    hypotheses: list[str]
    without_reference: int


def find_objectives(decode_dir: Path) -> list[Objective]:
    """Finds the objectives that a directory holds decoded texts of, recognition first.

    Raises:
        OSError: If there is no such directory.
        ValueError: If there is none, or one of them has no `text`.
    """
    if not decode_dir.is_dir():
        raise FileNotFoundError(f"{decode_dir} is missing; run the decoding (stage 11) first.")
    names = sorted(
        path.name
        for path in decode_dir.iterdir()
        if path.is_dir() and path.name.startswith(("asr_", "st_"))
    )
    bare = [name for name in names if not (decode_dir / name / "text").is_file()]
    if bare:
        raise ValueError(f"{decode_dir} has no `text` in {bare}; run the decoding (stage 11).")
    if not names:
        raise ValueError(
            f"{decode_dir} has no folder asr_<language> or st_<source>_<target>; run the decoding"
            " (stage 11)."
        )
    return [parse_objective(name) for name in names]


def parse_objective(name: str) -> Objective:
    """Gives the objective of a name such as `asr_fr` or `st_fr_en`.

    Raises:
        ValueError: If the name is of neither form.
    """
    task, _, rest = name.partition("_")
    source, _, target = rest.partition("_")
    if task == "asr" and rest:
        return recognition(rest)
    if task == "st" and source and target:
        return translation(source, target)
    raise ValueError(f"An objective is named asr_<language> or st_<source>_<target>, not {name!r}.")


def read_pairs(reference_dir: Path, decode_dir: Path, objective: Objective) -> TextPairs:
    """Reads the references and hypotheses of an objective, both in the normal form of labels.

    Args:
        reference_dir: Holds `utt2lang`, `text` and `text.<target>`.
        decode_dir: Holds `<objective>/text`.
        objective: The objective.

    Raises:
        OSError: If a file is missing.
        ValueError: If keys differ between the files, a reference is empty, or none is left.
    """
    label = "text" if objective.target is None else f"text.{objective.target}"
    reference_path = reference_dir / label
    hypothesis_path = decode_dir / objective.name / "text"
    languages = read_text(reference_dir / "utt2lang")
    labels, hypotheses = (
        {key: clean_label(text) for key, text in read_text(path).items()}
        for path in (reference_path, hypothesis_path)
    )
    of_language = {key for key, language in languages.items() if language == objective.language}
    _refuse(of_language - labels.keys(), reference_dir / "utt2lang", reference_path)
    spoken = {key: text for key, text in labels.items() if key in of_language}
    references = {key: text for key, text in spoken.items() if text != NOT_AVAILABLE}
    _refuse(references.keys() - hypotheses.keys(), reference_path, hypothesis_path)
    _refuse(hypotheses.keys() - spoken.keys(), hypothesis_path, reference_path)
    empty = [key for key, text in references.items() if not text]
    if empty:
        raise ValueError(
            f"{reference_path} has no text for {_some(empty)}; a missing label is {NOT_AVAILABLE}."
        )
    if not references:
        raise ValueError(
            f"{reference_path} has no reference in the language {objective.language}, so"
            f" {objective.name} cannot be scored."
        )
    keys = list(references)
    return TextPairs(
        objective=objective,
        keys=keys,
        references=[references[key] for key in keys],
        hypotheses=[hypotheses[key] for key in keys],
        without_reference=len(spoken) - len(references),
    )


def _refuse(surplus: Collection[str], holder: Path, other: Path) -> None:
    if surplus:
        raise ValueError(
            f"{holder} has {len(surplus)} keys that {other} lacks: {_some(sorted(surplus))}; both"
            " must be of the same set and complete."
        )


def _some(keys: Collection[str]) -> str:
    shown = list(keys)[:3]
    return ", ".join(shown) + (f" … ({len(keys)} in all)" if len(keys) > len(shown) else "")
