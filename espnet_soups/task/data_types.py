"""Teach ESPnet's data sets to read tables compactly, and recordings where they lie."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from espnet2.train import dataset, iterable_dataset

from espnet_soups.data.ark import read_array
from espnet_soups.data.audio import read_samples
from espnet_soups.data.compact_table import CompactTable

RECORDING = "recording"
TABLE, FEATURES = "compact_text", "compact_ark"
# ESPnet's types, whose tables are dicts, to those that need less memory.
COMPACT = {"text": TABLE, "sound": RECORDING, "kaldi_ark": FEATURES}


def read_recording(place: str) -> np.ndarray:
    """Return samples, `(samples,)`; stage 3 has looked at all of them, so no value is checked.

    Args:
        place: A file, or a part of one (`data/place.py`).
    """
    return read_samples(place)[0]


class Arrays(Mapping[str, np.ndarray]):
    """Arrays by utterance id, read when they are asked for.

    Args:
        path: Table of their places.
        read: Function that reads what lies at a place.
    """

    def __init__(self, path: str, read: Callable[[str], Any]) -> None:
        self.places, self.read = CompactTable(Path(path)), read

    def __getitem__(self, key: str) -> np.ndarray:
        """Return the array of an utterance."""
        found: np.ndarray = self.read(self.places[key])
        return found

    def __iter__(self) -> Iterator[str]:
        """Iterate over the utterance ids."""
        return iter(self.places)

    def __len__(self) -> int:
        """Return the number of utterances."""
        return len(self.places)


def _read_table(path: str) -> CompactTable:
    return CompactTable(Path(path))


def add_data_types() -> None:
    """Add our types to those of ESPnet: for training, and `recording` for its statistics, too."""
    loaders = {
        RECORDING: (partial(Arrays, read=read_recording), "Audio files or parts of them"),
        FEATURES: (partial(Arrays, read=read_array), "Features in Kaldi's archives"),
        TABLE: (_read_table, "Texts"),
    }
    for name, (load, explanation) in loaders.items():
        dataset.DATA_TYPES[name] = {"func": load, "kwargs": [], "help": explanation}
    iterable_dataset.DATA_TYPES[RECORDING] = read_recording


def use_compact_types(files: Sequence[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """Return ESPnet's (path, name, type) of data files with types that need less memory.

    Args:
        files: The data files; other types stay as they are.
    """
    return [(path, name, COMPACT.get(kind, kind)) for path, name, kind in files]
