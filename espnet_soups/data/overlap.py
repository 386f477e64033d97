"""Find utterances on which a model is both trained and tested."""

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from espnet_soups.data.data_dir import DataDir
from espnet_soups.data.place import read_place
from espnet_soups.files import read_table

SHOWN = 3


@dataclass(frozen=True)
class Overlap:
    """Utterances, audio and groups that two sets share.

    Attributes:
        ids: Utterance ids that are in both.
        audio: Ids of the second set whose audio file is one of the first.
        groups: Groups of `utt2group` that are in both.
    """

    ids: list[str]
    audio: list[str]
    groups: list[str]


def find_overlap(train: DataDir, other: DataDir) -> Overlap:
    """Find what a set shares with the training set.

    Args:
        train: The training set.
        other: A validation or test set.
    """
    # each folder is resolved once; links of single training files are not followed
    folder_of = cache(os.path.realpath)
    files = {
        os.path.join(folder_of(os.path.dirname(path)), os.path.basename(path))
        for path in {read_place(audio).recording for audio in train.audio.values()}
    }
    groups = set(train.groups.values())
    return Overlap(
        ids=[key for key in other.audio if key in train.audio],
        audio=[
            key
            for key, audio in other.audio.items()
            if os.path.realpath(read_place(audio).recording) in files
        ],
        groups=[name for name in dict.fromkeys(other.groups.values()) if name in groups],
    )


def describe_overlap(overlap: Overlap, train: DataDir, other: DataDir) -> list[str]:
    """Return a warning for each kind of overlap.

    Args:
        overlap: The overlap.
        train: The training set.
        other: The validation or test set.
    """
    if other.path.resolve() == train.path.resolve():
        return [f"{other.path} is the training set: its scores do not tell how good a model is"]
    total = len(other.audio)
    parts = [
        (overlap.ids, f"{len(overlap.ids)} of {total} utterances of {other.path} are in"),
        (overlap.audio, f"{len(overlap.audio)} of {total} audio files of {other.path} are also of"),
        (overlap.groups, f"{len(overlap.groups)} groups (utt2group) of {other.path} are also in"),
    ]
    return [
        f"{text} the training set {train.path}: {', '.join(names[:SHOWN])}"
        f"{' …' if len(names) > SHOWN else ''}; scores on them flatter the model"
        for names, text in parts
        if names
    ]


def count_trained(train_dir: Path, reference_dir: Path) -> int:
    """Return how many utterances of a set are in the training set, by id.

    Args:
        train_dir: Folder of the training set.
        reference_dir: Folder of the other set.

    Raises:
        OSError: If a file is missing.
    """
    trained = read_table(train_dir / "utt2lang")
    return sum(key in trained for key in read_table(reference_dir / "utt2lang"))
