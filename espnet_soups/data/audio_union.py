"""Unite the audio of several dumped sets into one, for self-supervision."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from espnet_soups.data.ark import read_array, refuse_commands
from espnet_soups.data.audio import rate_of
from espnet_soups.data.audio_digest import unite_digests
from espnet_soups.data.data_dir import (
    LANGUAGES,
    NO_LABEL,
    SPEAKERS,
    DataDir,
    read_data_dir,
    write_data_dir,
)
from espnet_soups.data.dump import AUDIO_FILES, LENGTHS
from espnet_soups.files import read_table, write_table, write_text

SHAPE_FILE, LANGUAGES_FILE = "speech_shape", "languages"
LABELS_FOLDER = "labels"  # of the union; its own utt2lang and utt2spk hold more than labels
UNLABELED = "unlabeled"  # language of audio without labels, which then is a group of its own


@dataclass(frozen=True)
class Width:
    """Number that audio of two sets must have in common.

    Attributes:
        name: `feature dimension` or `sampling rate`.
        value: The number.
    """

    name: str
    value: int


def unite_audio(
    labeled: Path,
    unlabeled: Sequence[Path],
    target: Path,
    feats_type: str,
    keep_labels: bool = False,
    audio_labels: Sequence[str] = (),
) -> DataDir:
    """Write the tables of a set that holds the utterances of several; the audio stays in place.

    Args:
        labeled: Folder of a dumped set with labels.
        unlabeled: Folders of dumped sets without labels.
        target: Folder of the new set; beside the tables it gets `speech_shape`, as ESPnet's
            samplers read it, and `languages`, a line with the name of each.
        feats_type: `fbank` or `raw`.
        keep_labels: Whether to keep labels, in the folder `labels`, with `<na>` for the other sets,
            also in its `utt2lang` and `utt2spk`. In the set's own `utt2lang`, the language of audio
            without labels is then `unlabeled`, so that each mini-batch holds a share of it.
        audio_labels: Files of second audio that are labels, such as `clean.scp`.

    Returns:
        The set.

    Raises:
        OSError: If a file is missing.
        ValueError: If two sets share an utterance id, or their features, rates or types differ, or
            second audio is to be kept, which audio without labels lacks.
    """
    if keep_labels and audio_labels and unlabeled:
        raise ValueError(
            f"{unlabeled[0]} has no {audio_labels[0]}, which an objective learns from, so that the"
            " two cannot share mini-batches: leave out `--ssl_audio unlabeled`, or the objective."
        )
    audio_file, lengths_file = AUDIO_FILES[feats_type], LENGTHS[feats_type]
    for path in unlabeled:
        _check_type(path, labeled, feats_type)
    kept = audio_labels if keep_labels else ()
    sets = [read_data_dir(labeled, audio_file, labelled=keep_labels, audio_labels=kept)]
    sets += [read_data_dir(path, audio_file, labelled=False) for path in unlabeled]
    for data in sets:
        refuse_commands(data.path / audio_file, data.audio)
    width = _width_of(sets[0], feats_type)
    for other in sets[1:]:
        _check_width(sets[0], width, other, _width_of(other, feats_type))
    _check_ids(sets)
    names = {data.path: UNLABELED for data in sets[1:]} if keep_labels else {}
    union = DataDir(
        path=target,
        audio={key: value for data in sets for key, value in data.audio.items()},
        languages={
            key: names.get(data.path, value)
            for data in sets
            for key, value in data.languages.items()
        },
        speakers={key: value for data in sets for key, value in data.speakers.items()},
        audio_labels=sets[0].audio_labels,
    )
    write_data_dir(union, audio_file)
    unite_digests([labeled, *unlabeled], target)
    if keep_labels:
        _write_labels(sets[0], union)
    lengths = {
        key: length
        for data in sets
        for key, length in read_table(data.path / lengths_file).items()
        if key in data.audio
    }
    dimension = f",{width.value}" if feats_type == "fbank" else ""
    shapes = {key: f"{length}{dimension}" for key, length in lengths.items()}
    write_table(target / SHAPE_FILE, shapes)
    languages = sorted(set(union.languages.values()))
    write_text(target / LANGUAGES_FILE, "".join(f"{name}\n" for name in languages))
    return union


def _write_labels(labeled: DataDir, union: DataDir) -> None:
    """Write the labels of all objectives; those of audio without labels are `<na>`."""
    own = {**labeled.labels, LANGUAGES: labeled.languages, SPEAKERS: labeled.speakers}
    tables = {**own, **labeled.audio_labels}
    for name, table in tables.items():
        labels = {key: table.get(key, NO_LABEL) for key in union.audio}
        write_table(union.path / LABELS_FOLDER / name, labels)


def _check_type(path: Path, labeled: Path, feats_type: str) -> None:
    for other, name in AUDIO_FILES.items():
        if not (path / AUDIO_FILES[feats_type]).exists() and (path / name).exists():
            raise ValueError(
                f"{path} has feature type {other} ({name}), but {labeled} has {feats_type}: both"
                " must be dumped with the same settings (stage 3)."
            )


def _width_of(data: DataDir, feats_type: str) -> Width:
    key, first = next(iter(data.audio.items()))
    try:
        if feats_type == "raw":
            return Width("sampling rate", rate_of(first))
        array = read_array(first)
    except (OSError, ValueError) as error:
        raise ValueError(f"{data.path}: the audio of {key} cannot be read: {error}") from error
    if array.ndim != 2:
        raise ValueError(f"{data.path}: {key} must have frames [T, D], but has {array.shape}.")
    return Width("feature dimension", int(array.shape[1]))


def _check_width(first: DataDir, expected: Width, second: DataDir, found: Width) -> None:
    if found != expected:
        raise ValueError(
            f"{second.path} has {found.name} {found.value}, but {first.path} has {expected.value}:"
            " both must be dumped with the same settings (stage 3)."
        )


def _check_ids(sets: Sequence[DataDir]) -> None:
    seen: dict[str, Path] = {}
    for data in sets:
        for key in data.audio:
            if key in seen:
                raise ValueError(
                    f"Utterance id {key} is in {seen[key]} and in {data.path}: rename the"
                    " utterances of one of them, e.g. with a prefix."
                )
            seen[key] = data.path
