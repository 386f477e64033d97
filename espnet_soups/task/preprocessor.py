"""Turn labels into arrays and names of languages into indices, and change audio in training."""

import argparse
from collections.abc import Mapping, Sequence

import numpy as np
from espnet2.train.preprocessor import AbsPreprocessor

from espnet_soups.network.batch import ABSENT
from espnet_soups.objectives.kind import Encoder
from espnet_soups.objectives.labels import NO_LABEL
from espnet_soups.objectives.registry import by_kind
from espnet_soups.task.augmentation.build_augmentation import Change, build_augmentation
from espnet_soups.task.interpret import inline_vocabularies, languages_of, objectives_of


class MSPPreprocessor(AbsPreprocessor):
    """Preprocessor of one utterance.

    Args:
        train: Whether it is for training; ESPnet asks for it.
        languages: The languages; their positions are the indices.
        encoders: Function that turns a label into an array, by (data name, spoken language); an
            empty language stands for all.
        change: Function that changes the samples of speech; None: they stay as they are.
    """

    def __init__(
        self,
        train: bool,
        languages: Sequence[str],
        encoders: Mapping[tuple[str, str], Encoder],
        change: Change | None = None,
    ) -> None:
        super().__init__(train)
        self.change = change
        self.languages = list(languages)
        self.encoders = dict(encoders)

    def __call__(self, uid: str, data: dict[str, str | np.ndarray]) -> dict[str, np.ndarray]:
        """Prepare an utterance.

        Args:
            uid: Utterance id.
            data: `speech`, `lang` and labels by their data names, if they exist.

        Returns:
            The same names: `lang` as an index, `(1,)`, labels as arrays; a label that is absent
            (`<na>`) or that no objective learns from is the single number -1.

        Raises:
            ValueError: If the language is unknown, or a label is empty or not encoded as whole
                numbers.
        """
        prepared: dict[str, np.ndarray] = {}
        language = data.get("lang")
        for name, value in data.items():
            if isinstance(value, np.ndarray):
                changes = self.change is not None and name == "speech"
                prepared[name] = self.change(value) if changes else value  # type: ignore[misc]
            elif name == "lang":
                prepared[name] = np.array([self._index(uid, value)], dtype=np.int64)
            else:
                prepared[name] = self._encode(uid, name, value, self.encoder(name, str(language)))
        return prepared

    def encoder(self, name: str, language: str) -> Encoder | None:
        """Return the encoder of a label for utterances of a language; None: nothing learns from it.

        Args:
            name: Data name of the label.
            language: The spoken language.
        """
        return self.encoders.get((name, language)) or self.encoders.get((name, ""))

    def _index(self, uid: str, language: str) -> int:
        if language not in self.languages:
            raise ValueError(
                f"Utterance {uid} has language {language!r}, but the model has {self.languages}."
            )
        return self.languages.index(language)

    def _encode(self, uid: str, name: str, text: str, encoder: Encoder | None) -> np.ndarray:
        if encoder is None or text == NO_LABEL:
            return np.array([ABSENT], dtype=np.int64)
        try:
            encoded = encoder(text)
        except ValueError as error:
            raise ValueError(f"Utterance {uid}, `{name}`: {error}") from error
        if not np.issubdtype(encoded.dtype, np.integer):
            raise ValueError(
                f"Utterance {uid}, `{name}`: labels become whole numbers, but their encoder"
                f" returned {encoded.dtype}: scale and round them, and undo it in the head."
            )
        if not len(encoded):
            raise ValueError(
                f"Utterance {uid} has an empty label in `{name}`: write `{NO_LABEL}` where there"
                " is none."
            )
        return encoded


def build_preprocessor(args: argparse.Namespace, train: bool) -> MSPPreprocessor:
    """Build the preprocessor; vocabularies in files are read into the options.

    Args:
        args: The options; changed in place.
        train: Whether it is for training.

    Raises:
        ValueError: If two objectives encode the same labels.
    """
    inline_vocabularies(args)
    encoders: dict[tuple[str, str], Encoder] = {}
    for kind, objectives in by_kind(objectives_of(args)).items():
        for (name, language), encoder in kind.encoders(objectives, args).items():
            clashing = [key for key in encoders if key[0] == name and "" in (key[1], language)]
            if clashing or (name, language) in encoders:
                raise ValueError(
                    f"Two objectives encode the labels {name!r} of the same utterances: an"
                    f" objective of {kind.title} must give its labels a data name of their own"
                    " (`label`)."
                )
            encoders[name, language] = encoder
    change = build_augmentation(args) if train else None
    return MSPPreprocessor(train, languages_of(args), encoders, change)
