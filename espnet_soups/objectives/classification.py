"""Classification of utterances, such as by gender, accent, emotion or language."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from espnet_soups.objectives.class_kind import STAND_IN, ClassKind, present
from espnet_soups.objectives.class_list import ABSENT, check_classes
from espnet_soups.objectives.class_settings import ClassSettings, read_class_settings
from espnet_soups.objectives.kind import Heads, Metric, Options, Parts
from espnet_soups.objectives.objective import Objective

if TYPE_CHECKING:
    from espnet_soups.objectives.decoding.decode_config import DecodeConfig
    from espnet_soups.objectives.decoding.result import Decoder
    from espnet_soups.objectives.heads.head import Head
    from espnet_soups.objectives.labels import LabelledObjective
    from espnet_soups.objectives.metrics.measured import Measured
    from espnet_soups.objectives.metrics.score_config import ScoreConfig

LANGUAGE_FILES = ("utt2lang", "utt2language")
FEW = 10_000  # larger sets are checked in part


class Classification(ClassKind[ClassSettings]):
    """Classification of utterances by a label of a Kaldi-style `utt2<label>` file: `cls_<label>`.

    `<na>` and `unknown` in the file mean no label. Utterances of all languages take part, unless
    the settings name one.
    """

    name: ClassVar[str] = "cls"
    title: ClassVar[str] = "Classification"
    sign: ClassVar[str] = "CLS"
    hub_tag: ClassVar[str] = "audio-classification"
    letters: ClassVar[Mapping[str, str]] = {"L": "cls_*", "G": "cls_gender"}
    data_names: ClassVar[tuple[str, ...]] = ("cls_*",)
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("accuracy", "Acc", "%", lower_is_better=False),
        Metric("macro_f1", "macro-F1", "%", lower_is_better=False),
    )

    # --- names and settings --------------------------------------------------------------------

    def objective(self, name: str, settings: Options) -> Objective:
        """Return the objective of a label.

        Raises:
            ValueError: If it is not named `cls_<label>`, or a setting is not valid.
        """
        label = name.partition("_")[2]
        own = read_class_settings(name, settings)
        file = own.label_file or f"utt2{label}"
        if not label and not own.label_file:
            raise ValueError(
                f"A classification is named cls_<label>, such as cls_gender, not {name!r}."
            )
        if not file.startswith("utt2"):
            raise ValueError(
                f"`objectives: {name}`: `label_file` must be named utt2<label>, but got {file!r}."
            )
        return Objective(name, own.kind, own.language, label=name, label_file=file)

    def read_settings(self, name: str, options: Options | None) -> ClassSettings:
        """Return the settings of an objective.

        Raises:
            ValueError: If a key or a value is not valid; the message names the objective.
        """
        return read_class_settings(name, options)

    def check_set(
        self,
        objective: Objective,
        labels: Mapping[str, str],
        trained: Mapping[str, str],
        where: str,
    ) -> None:
        """Refuse labels of classes that the training set lacks.

        Raises:
            ValueError: If there are some.
        """
        check_classes(present(labels), set(trained.values()) - set(ABSENT), where)

    def stand_in_classes(self, settings: Options) -> Sequence[str]:
        """Return the classes of `class_weights`, or two placeholders."""
        weights = settings.get("class_weights")
        return list(weights) if isinstance(weights, Mapping) else STAND_IN

    # --- labels --------------------------------------------------------------------------------

    def check_labels(self, labels: "LabelledObjective") -> list[str]:
        """Refuse classes without training data, and training data of a single class.

        Raises:
            NothingToLearnError: If no label is known, or all are of one class.
            ValueError: If a label is of an unknown class, or a class has no label.
        """
        from espnet_soups.objectives.labels import NothingToLearnError

        known = read_class_settings(labels.objective.name, labels.settings).counts
        found = present(labels.texts)
        check_classes(found, known, labels.where)
        if not found:
            raise NothingToLearnError(
                f"{labels.where} has no label: all are {' or '.join(ABSENT)}."
            )
        if labels.training and len(set(found.values())) < 2:
            raise NothingToLearnError(
                f"{labels.where}: all labels are {next(iter(found.values()))!r}."
            )
        lacking = sorted(set(known) - set(found.values()))
        if labels.training and lacking and len(found) < FEW:
            raise ValueError(
                f"{labels.where} has no label of {', '.join(lacking)}: take them out of `classes`,"
                " or add data."
            )
        return []

    # --- the network ---------------------------------------------------------------------------

    def build_heads(
        self, objectives: Sequence[Objective], args: argparse.Namespace, parts: Parts
    ) -> Heads:
        """Build a pooling and a linear layer for each objective.

        Raises:
            ValueError: If a setting is not valid.
        """
        from espnet2.cls.decoder.linear_decoder import LinearDecoder

        from espnet_soups.objectives.heads.class_head import ClassHead

        heads: dict[str, Head] = {}
        for objective in objectives:
            own = self.settings(objective, args)
            decoder = LinearDecoder(
                len(own.counts), parts.encoder_size, own.pooling, float(own.dropout)
            )
            heads[objective.name] = ClassHead(decoder, own.weights())
        return Heads(heads)

    # --- decoding and scores -------------------------------------------------------------------

    def identifies_language(self, objective: Objective) -> bool:
        """Return True if the labels of an objective are the spoken languages."""
        return objective.label_file in LANGUAGE_FILES and not objective.language

    def build_decoder(
        self,
        objective: Objective,
        head: "Head",
        args: argparse.Namespace,
        config: "DecodeConfig",
    ) -> "Decoder":
        """Return a decoder that finds the most likely classes."""
        from espnet_soups.objectives.decoding.class_decoder import ClassDecoder
        from espnet_soups.objectives.heads.class_head import ClassHead

        assert isinstance(head, ClassHead)  # as `build_heads` made it
        return ClassDecoder(head, list(self.settings(objective, args).counts), config.nbest)

    def measure(
        self, objective: Objective, reference_dir: Path, decode_dir: Path, config: "ScoreConfig"
    ) -> "Measured":
        """Return accuracy, macro-F1 and the confusion matrix of a decoded set."""
        from espnet_soups.objectives.metrics.class_errors import measure_classes
        from espnet_soups.objectives.metrics.text_pairs import read_pairs

        return measure_classes(read_pairs(reference_dir, decode_dir, objective, ABSENT))
