"""Settings of a classification, below `objectives:` of the training configuration."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from espnet_soups.file_names import require_file_name
from espnet_soups.objectives.class_list import ListSettings
from espnet_soups.objectives.kind import Options
from espnet_soups.settings import read_settings, require_number, require_text

WEIGHTINGS = ("none", "balanced")


@dataclass(frozen=True)
class ClassSettings(ListSettings):
    """Settings of a classification, below `objectives:`.

    Attributes:
        label_file: File of the data dirs; empty for `utt2<label>`.
        language: Language whose utterances take part; empty for all.
        pooling: `mean` or `max`.
        dropout: Dropout rate of the encoded frames, in [0, 1).
        class_weights: Weights of the classes in the loss: `none`; `balanced`, so that each class
            counts the same; or a mapping.
        kind: A class of your own that derives from `Classification`, `module:Class`.
    """

    poolings: ClassVar[Sequence[str]] = ("mean", "max")

    label_file: str = ""
    language: str = ""
    pooling: str = "mean"
    dropout: float = 0.0
    class_weights: str | Mapping[str, float] = "none"
    kind: str = "cls"

    def __post_init__(self) -> None:
        """Refuse settings from which no head can be built.

        Raises:
            ValueError: If a value is not valid.
        """
        super().__post_init__()
        require_number("`dropout`", self.dropout)
        if not 0.0 <= self.dropout < 1.0:
            raise ValueError(f"`dropout` must lie in [0, 1), but got {self.dropout}.")
        require_text("`language`", self.language)
        require_text("`label_file`", self.label_file)
        if self.label_file:
            require_file_name("`label_file`", self.label_file)
        self._check_weights()

    def _check_weights(self) -> None:
        if not isinstance(self.class_weights, Mapping):
            if self.class_weights not in WEIGHTINGS:
                raise ValueError(
                    f"`class_weights` must be one of {list(WEIGHTINGS)} or map classes to numbers,"
                    f" but got {self.class_weights!r}."
                )
            return
        for name, weight in self.class_weights.items():
            require_text("A class of `class_weights`", name)
            require_number(f"`class_weights: {name}`", weight)
            if not 0.0 <= weight < math.inf:
                raise ValueError(
                    f"`class_weights: {name}` must be 0 or more, and finite, but got {weight}."
                )

    def weights(self) -> list[float]:
        """Return the factor of the loss of each class, in the order of `counts`.

        Raises:
            ValueError: If a mapping names other classes than there are.
        """
        if isinstance(self.class_weights, Mapping):
            if set(self.class_weights) != set(self.counts):
                raise ValueError(
                    f"`class_weights` must name the classes {sorted(self.counts)}, but names"
                    f" {sorted(self.class_weights)}."
                )
            return [float(self.class_weights[name]) for name in self.counts]
        if self.class_weights == "none":
            return [1.0] * len(self.counts)
        total = sum(self.counts.values())
        return [total / (len(self.counts) * count) for count in self.counts.values()]


def read_class_settings(name: str, options: Options | None) -> ClassSettings:
    """Return the settings of a classification objective.

    Args:
        name: Name of the objective.
        options: Its entry below `objectives:`; None for all defaults.

    Raises:
        ValueError: If a key or a value is not valid; the message names the objective.
    """
    return read_settings(f"`objectives: {name}`", ClassSettings, options)
