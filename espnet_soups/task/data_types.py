"""Teach ESPnet's data sets to read tables compactly, and recordings where they lie."""

from collections.abc import Callable, Iterator, Mapping, Sequence
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


class Arrays(Mapping[str, np.ndarray]):
    """Arrays by utterance id, read when they are asked for.

    Args:
        path: Table of their places.
    """

    def __init__(self, path: str) -> None:
        self.places = CompactTable(Path(path))

    def __getitem__(self, key: str) -> np.ndarray:
        """Return the array of an utterance."""
        return read_array(self.places[key])

    def __iter__(self) -> Iterator[str]:
        """Iterate over the utterance ids."""
        return iter(self.places)

    def __len__(self) -> int:
        """Return the number of utterances."""
        return len(self.places)


class Recordings(Arrays):
    """Samples by utterance id, `(samples,)`; stage 3 has looked at all of them, so none is checked.

    Args:
        path: Table of places: files, or parts of them (`data/place.py`).
        allow_multi_rates: Whether rates may differ, as ESPnet's option says.
    """

    def __init__(self, path: str, allow_multi_rates: bool = False) -> None:
        super().__init__(path)
        self.any_rate, self.rate = allow_multi_rates, 0

    def __getitem__(self, key: str) -> np.ndarray:
        """Return the samples of an utterance.

        Raises:
            ValueError: If it has another rate than those before.
        """
        samples, rate = read_samples(self.places[key])
        self.rate = self.rate or rate
        if rate != self.rate and not self.any_rate:
            raise ValueError(
                f"{self.places.path}: {key} has {rate} Hz, but other utterances have {self.rate}"
                " Hz: resample them (`--resample true` of run.sh)."
            )
        return samples


def add_data_types() -> None:
    """Add our types to those of ESPnet: for training, and `recording` for its statistics, too."""
    loaders: dict[str, tuple[Callable[..., Any], list[str], str]] = {
        RECORDING: (Recordings, ["allow_multi_rates"], "Audio files or parts of them"),
        FEATURES: (Arrays, [], "Features in Kaldi's archives"),
        TABLE: (_read_table, [], "Texts"),
    }
    for name, (load, options, explanation) in loaders.items():
        dataset.DATA_TYPES[name] = {"func": load, "kwargs": options, "help": explanation}
    iterable_dataset.DATA_TYPES[RECORDING] = lambda place: read_samples(place)[0]


def _read_table(path: str) -> CompactTable:
    return CompactTable(Path(path))


def use_compact_types(files: Sequence[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """Return ESPnet's (path, name, type) of data files with types that need less memory.

    Args:
        files: The data files; other types stay as they are.
    """
    return [(path, name, COMPACT.get(kind, kind)) for path, name, kind in files]
