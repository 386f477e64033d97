"""Teach ESPnet's data sets a type of data: recordings where they lie, whole or in parts."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from espnet2.train import dataset, iterable_dataset

from espnet_soups.data.audio import read_samples
from espnet_soups.files import read_table

RECORDING = "recording"


class Recordings(Mapping[str, np.ndarray]):
    """Samples by utterance id, read when they are asked for.

    Stage 3 has looked at all of them, so their values are not checked again.

    Args:
        path: Table of places, see `data/place.py`.
    """

    def __init__(self, path: str) -> None:
        self.places = read_table(Path(path))

    def __getitem__(self, key: str) -> np.ndarray:
        """Return the samples of an utterance, `(samples,)`."""
        return read_samples(self.places[key])[0]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the utterance ids."""
        return iter(self.places)

    def __len__(self) -> int:
        """Return the number of utterances."""
        return len(self.places)


def add_data_types() -> None:
    """Add the type `recording` to those of ESPnet, for training and for its statistics."""
    explanation = "Audio files or parts of them:\n\n   utterance_id_a a.flac#t=5,9.5\n   ..."
    dataset.DATA_TYPES[RECORDING] = {"func": Recordings, "kwargs": [], "help": explanation}
    iterable_dataset.DATA_TYPES[RECORDING] = lambda place: read_samples(place)[0]
