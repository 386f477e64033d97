"""References and hypotheses of one objective, matched by key."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from espnet_soups.data.label_text import clean_label
from espnet_soups.files import read_texts
from espnet_soups.objectives.labels import NO_LABEL
from espnet_soups.objectives.metrics.measured import NothingToScoreError
from espnet_soups.objectives.objective import Objective


@dataclass(frozen=True)
class TextPairs:
    """References and hypotheses of one objective.

    Attributes:
        objective: The objective.
        keys: Utterance ids in the order of the reference.
        references: The correct texts; none is empty.
        hypotheses: The decoded texts; an empty one counts as all deletions.
        without_reference: Number of utterances that were left out because their label is `<na>`.
    """

    objective: Objective
    keys: list[str]
    references: list[str]
    hypotheses: list[str]
    without_reference: int

    @property
    def empty_hypotheses(self) -> int:
        """Number of empty hypotheses."""
        return sum(not text for text in self.hypotheses)


def read_pairs(
    reference_dir: Path,
    decode_dir: Path,
    objective: Objective,
    absent: Collection[str] = (NO_LABEL,),
) -> TextPairs:
    """Read the references and hypotheses of an objective, both in the normal form of labels.

    Args:
        reference_dir: Folder with `utt2lang` and the label file of the objective.
        decode_dir: Folder with `<objective>/text`.
        objective: The objective.
        absent: Marks of a missing label in the label file.

    Returns:
        The pairs.

    Raises:
        OSError: If a file is missing.
        ValueError: If keys differ between the files, or a reference is empty; a
            `NothingToScoreError` where all are `<na>`, or an objective of all languages has no
            file.
    """
    reference_path = reference_dir / objective.label_file
    if not objective.language and not reference_path.is_file():
        raise NothingToScoreError(f"{reference_dir} has no {objective.label_file}")
    hypothesis_path = decode_dir / objective.name / "text"
    languages = read_texts(reference_dir / "utt2lang")
    labels, hypotheses = (
        {key: clean_label(text) for key, text in read_texts(path).items()}
        for path in (reference_path, hypothesis_path)
    )
    of_language = {
        key for key, language in languages.items() if objective.language in ("", language)
    }
    _refuse(of_language - labels.keys(), reference_dir / "utt2lang", reference_path)
    spoken = {key: text for key, text in labels.items() if key in of_language}
    references = {key: text for key, text in spoken.items() if text not in absent}
    _refuse(references.keys() - hypotheses.keys(), reference_path, hypothesis_path)
    _refuse(hypotheses.keys() - spoken.keys(), hypothesis_path, reference_path)
    empty = [key for key, text in references.items() if not text]
    if empty:
        raise ValueError(
            f"{reference_path} has no text for {_some(empty)}; a missing label is {NO_LABEL}."
        )
    if not references:
        raise NothingToScoreError(f"{reference_path} has no label of {objective.name}")
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
