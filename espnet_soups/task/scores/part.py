"""Choose the utterances that are scored while training, and write their references."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

from espnet_soups.data.label_text import clean_label
from espnet_soups.data.lengths import read_shapes
from espnet_soups.files import read_table, write_table
from espnet_soups.objectives.labels import NO_LABEL
from espnet_soups.objectives.metrics.measured import NothingToScoreError
from espnet_soups.objectives.objective import Objective
from espnet_soups.objectives.registry import kind_of
from espnet_soups.task.scores.names import is_scored

# type of speech to its table in data dirs
AUDIO = {"kaldi_ark": "feats.scp", "sound": "wav.scp", "recording": "wav.scp"}


@dataclass(frozen=True)
class Part:
    """Utterances of the validation set that are scored.

    Attributes:
        labels: Objective to (utterance id to label), in the order of the set.
        sources: Objective to the file of its labels.
        languages: Language of every utterance.
        shapes: Shape of the speech of every utterance.
        speech: ESPnet's (path, name, type) of the speech.
    """

    labels: Mapping[str, Mapping[str, str]]
    sources: Mapping[str, Path]
    languages: Mapping[str, str]
    shapes: Mapping[str, Sequence[int]]
    speech: tuple[str, str, str]

    def by_language(self) -> dict[str, dict[str, Sequence[int]]]:
        """Return the shapes of all chosen utterances by language, in the order of the set."""
        chosen = {key for own in self.labels.values() for key in own}
        grouped: dict[str, dict[str, Sequence[int]]] = {}
        for key, shape in self.shapes.items():
            if key in chosen:
                grouped.setdefault(self.languages[key], {})[key] = shape
        return grouped


def choose_part(
    options: Mapping[str, Any], objectives: Sequence[Objective], utterances: int
) -> Part:
    """Choose utterances with labels for each objective, by a hash of their ids.

    So they are spread over the set, always the same, and objectives share them where they can.

    Args:
        options: The options of `msp_train`, by name.
        objectives: The objectives of the run.
        utterances: Largest number of utterances of an objective.

    Returns:
        The part; an objective without a label in the set is left out.

    Raises:
        OSError: If a file is missing.
        ValueError: If a file is malformed.
    """
    files = {name: (path, name, kind) for path, name, kind in _valid_files(options)}
    shapes = read_shapes(Path(options["valid_shape_file"][0]))
    languages = read_table(Path(files["lang"][0]))
    labels, sources = {}, {}
    for objective in objectives:
        if not is_scored(objective) or objective.label not in files:
            continue
        sources[objective.name] = Path(files[objective.label][0])
        table = read_table(sources[objective.name])
        known = [
            key
            for key in shapes
            if objective.language in ("", languages.get(key))
            and table.get(key, NO_LABEL) != NO_LABEL
            and clean_label(table[key])
        ]
        chosen = sorted(known, key=lambda key: crc32(key.encode()))[:utterances]
        if chosen:
            labels[objective.name] = {key: table[key] for key in known if key in chosen}
    return Part(labels, sources, languages, shapes, files["speech"])


def _valid_files(options: Mapping[str, Any]) -> Sequence[tuple[str, str, str]]:
    return options["valid_data_path_and_name_and_type"]


def write_references(part: Part, objectives: Sequence[Objective], folder: Path) -> dict[str, str]:
    """Write a data dir for each objective: languages, labels, places of the speech.

    Args:
        part: The chosen utterances.
        objectives: The objectives of the run.
        folder: The folder to write to; a sub-folder per objective.

    Returns:
        Objectives that cannot be scored, with the reason.

    Raises:
        OSError: If a file is missing, or cannot be written.
        ValueError: If a file is malformed.
    """
    not_scored = {}
    places = read_table(Path(part.speech[0]))
    for objective in objectives:
        labels = part.labels.get(objective.name)
        if labels is None:
            continue
        own = folder / objective.name
        own.mkdir(parents=True, exist_ok=True)
        write_table(own / "utt2lang", {key: part.languages[key] for key in labels})
        write_table(own / objective.label_file, labels)
        write_table(own / AUDIO[part.speech[2]], {key: places[key] for key in labels})
        source = part.sources[objective.name].parent
        try:
            kind_of(objective).prepare_scoring(objective, source, own)
        except NothingToScoreError as error:
            not_scored[objective.name] = str(error)
    return not_scored
