"""Decode one or many utterances by all objectives of a model, in one object."""

import argparse
import logging
from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from espnet_soups.data.features import extract_features, features_of
from espnet_soups.inference.load_model import load_model
from espnet_soups.inference.model_source import find_experiment
from espnet_soups.inference.samples import change_rate, check_speech
from espnet_soups.inference.training_config import read_config
from espnet_soups.network.decoders import Decoders, cut_batches
from espnet_soups.network.msp_model import MSPModel
from espnet_soups.objectives.decoding.decode_config import DecodeConfig, read_decode_config
from espnet_soups.objectives.decoding.result import Result
from espnet_soups.objectives.objective import Objective
from espnet_soups.objectives.registry import kind_of, kinds_of


class Speech2Text:
    """Model that recognises, translates and labels speech.

        speech2text = Speech2Text.from_pretrained("exp/msp_vs", asr_method="ctc_prefix")
        result = speech2text(samples, lang="fr", rate=16000)
        result.transcript.text, result.translations["en"].text, result.labels

    Args:
        model: A trained model, in eval mode.
        args: The options of its training.
        config: How to decode.
        objectives: Globs over the objectives to decode; empty: all.

    Raises:
        ValueError: If a head lacks what the decoding method needs, or a glob matches nothing.
    """

    def __init__(
        self,
        model: MSPModel,
        args: argparse.Namespace,
        config: DecodeConfig | None = None,
        objectives: Sequence[str] = (),
    ) -> None:
        self.model = model
        self.config = DecodeConfig() if config is None else config
        self.input_size: int | None = args.input_size
        self.features = features_of(vars(args))
        self._told_rate = False
        self.search = Decoders(model, args, self.config, objectives)
        self.objectives, self.decoders = self.search.objectives, self.search.decoders

    @classmethod
    def from_pretrained(
        cls,
        exp_dir: str | Path,
        model_file: str | Path | None = None,
        device: str = "cpu",
        objectives: Sequence[str] = (),
        own_kinds: Sequence[str] = (),
        **options: Any,
    ) -> "Speech2Text":
        """Load a trained model.

        Args:
            exp_dir: The folder that training wrote, with its `config.yaml`; a bundle (`model.zip`);
                or a model on the Hugging Face hub, `organisation/model`.
            model_file: A file of that folder, or a path; None: `valid.acc.ave.pth`, or else
                `valid.acc.best.pth`, `valid.loss.ave.pth`, `valid.loss.best.pth`.
            device: `cpu`, `cuda`, `cuda:0`, ...
            objectives: Globs over the objectives to decode; empty: all.
            own_kinds: Classes of kinds that the model names and that may be imported,
                `module:Class`; importing runs their code.
            **options: Options of decoding, as in the YAML of `msp_inference`: see its `--help`.

        Raises:
            OSError: If a file is missing.
            ValueError: If the model file does not fit its configuration, an option is not valid,
                the model names a class that may not be imported, or a bundle is damaged.
        """
        folder = find_experiment(exp_dir)
        args = read_config(folder, own_kinds)
        config = read_decode_config(options, kinds_of(vars(args)))
        model, args = load_model(folder, model_file, device, args)
        return cls(model, args, config, objectives)

    def __call__(
        self, speech: np.ndarray | torch.Tensor, lang: str, rate: float | None = None
    ) -> Result:
        """Decode one utterance.

        Args:
            speech: Samples in [-1, 1] of one channel, `(samples,)`, or features as in training,
                `(frames, width)`.
            lang: The spoken language.
            rate: Sampling rate of the samples, Hz; another than the model's is resampled. None:
                that of the model.

        Raises:
            ValueError: If the language is unknown, or the speech empty or of a wrong shape.
        """
        return self.decode_batch([self.prepare(speech, rate)], lang)[0]

    @property
    def languages(self) -> list[str]:
        """The languages that can be decoded."""
        own = [objective.language for objective in self.objectives if objective.language]
        spans = any(not objective.language for objective in self.objectives)
        return list(dict.fromkeys([*own, *(self.model.languages if spans else [])]))

    def check_language(self, lang: str) -> None:
        """Refuse a language that cannot be decoded; the message lists those that can.

        Args:
            lang: The language.

        Raises:
            ValueError: If no objective decodes it.
        """
        if lang not in self.languages:
            raise ValueError(
                f"Language {lang!r} cannot be decoded: there are {self.languages} (objectives"
                f" {list(self.decoders)})."
            )

    def prepare(self, speech: np.ndarray | torch.Tensor, rate: float | None = None) -> torch.Tensor:
        """Return the input of the encoder: features, `(frames, width)`, or samples, `(samples,)`.

        Args:
            speech: Samples in [-1, 1], `(samples,)`, or features, `(frames, width)`.
            rate: Sampling rate of samples, Hz; another than the model's is resampled. None: that of
                the model, with a warning on the first call.

        Raises:
            ValueError: If the speech is empty, not finite, of the scale of integers, or of a wrong
                shape, or if features have a rate.
        """
        array = check_speech(speech, self.input_size)
        if array.ndim == 1:
            array = self._prepare_samples(array, rate)
        elif rate is not None:
            raise ValueError(
                f"`rate` is that of samples, but the speech is features {array.shape}."
            )
        return torch.from_numpy(np.array(array, dtype=np.float32))  # a copy: it may be read-only

    def _prepare_samples(self, samples: np.ndarray, rate: float | None) -> np.ndarray:
        if self.input_size is not None and self.features is None:
            raise ValueError(
                "The config.yaml has no `feats_conf`, so features cannot be extracted from"
                f" samples: give features [T, {self.input_size}]."
            )
        own = None if self.features is None else self.features.fs
        if rate is not None:
            samples = change_rate(samples, rate, own)
        elif not self._told_rate:
            self._told_rate = True
            taken = "the rate of the training data" if own is None else f"{own} Hz"
            logging.warning(
                f"Samples are taken to have {taken}; name their rate, as in `speech2text(samples,"
                " lang, rate=44100)`, to have others resampled."
            )
        if self.input_size is None or self.features is None:
            return samples
        features: np.ndarray = extract_features(samples, self.features)
        return features

    def decode_batch(
        self, prepared: Sequence[torch.Tensor], lang: str, names: Collection[str] | None = None
    ) -> list[Result]:
        """Decode utterances of one language together.

        Args:
            prepared: The result of `prepare` for each utterance.
            lang: The spoken language.
            names: The objectives to decode; None: all of the language.

        Returns:
            The results, in the same order.

        Raises:
            ValueError: If the language is unknown.
        """
        self.check_language(lang)
        spoken = self.objectives_of(lang)
        found = self.search(prepared, [item for item in spoken if names is None or item in names])
        return [
            Result(lang, {name: hypotheses[row] for name, hypotheses in found.items()})
            for row in range(len(prepared))
        ]

    @property
    def identifier(self) -> Objective | None:
        """The objective that identifies the language; None: the model has none."""
        known = (item for item in self.objectives if kind_of(item).identifies_language(item))
        return next(known, None)

    def identify_language(self, prepared: Sequence[torch.Tensor]) -> str:
        """Return the language of a recording; its pieces vote with their lengths.

        Args:
            prepared: The result of `prepare` for each piece.

        Raises:
            ValueError: If the model has no objective that identifies languages.
        """
        if self.identifier is None:
            raise ValueError(
                "This model does not identify languages: name the one that is spoken, one of"
                f" {self.languages}."
            )
        votes: Counter[str] = Counter()
        shapes = {str(number): tuple(speech.shape) for number, speech in enumerate(prepared)}
        for batch in cut_batches(shapes, self.config):
            pieces = [prepared[int(key)] for key in batch]
            found = self.search(pieces, [self.identifier.name])[self.identifier.name]
            for speech, hypotheses in zip(pieces, found, strict=True):
                votes[hypotheses[0].text] += len(speech)
        return votes.most_common(1)[0][0]

    def encode(self, prepared: Sequence[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        """Encode utterances; those that are too short for the encoder are lengthened.

        Args:
            prepared: The result of `prepare` for each.

        Returns:
            (encoded [B, T, D], frames of each utterance [B]).
        """
        return self.search.encode(*self.search.pad(prepared))

    def objectives_of(self, lang: str) -> list[str]:
        """Return the names of the objectives that are decoded for a language.

        Args:
            lang: The spoken language.
        """
        return [item.name for item in self.objectives if item.language in ("", lang)]
