"""Settings of speaker verification, below `objectives:` of the training configuration."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from espnet_soups.file_names import require_file_name
from espnet_soups.objectives.class_list import ListSettings
from espnet_soups.objectives.kind import Options
from espnet_soups.settings import read_settings, require_number, require_text

LARGEST_MARGIN = 1.5  # radians; at a right angle no speaker could be recognised


@dataclass(frozen=True)
class SpeakerSettings(ListSettings):
    """Settings of speaker verification, below `objectives:`.

    Attributes:
        label_file: File of the data dirs that names speakers.
        trials: File of the data dirs of test sets that lists trials.
        pooling: `mean`; `stats`, mean and standard deviation; or `attention`, both weighted by an
            attention per channel.
        embedding_size: Size of an embedding.
        margin: Angle, in radians, by which the correct speaker must be closer than the others.
        scale: Factor of the cosines.
        kind: A class of your own that derives from `SpeakerVerification`, `module:Class`.

    Source: defaults of size, margin and scale as in Desplanques et al. (2020), ECAPA-TDNN.
    """

    poolings: ClassVar[Sequence[str]] = ("mean", "stats", "attention")

    label_file: str = "utt2spk"
    trials: str = "trials"
    pooling: str = "stats"
    embedding_size: int = 192
    margin: float = 0.2
    scale: float = 30.0
    kind: str = "spk"

    def __post_init__(self) -> None:
        """Refuse settings from which no head can be built.

        Raises:
            ValueError: If a value is not valid.
        """
        super().__post_init__()
        for name in ("embedding_size", "margin", "scale"):
            require_number(f"`{name}`", getattr(self, name))
        if int(self.embedding_size) != self.embedding_size or self.embedding_size < 1:
            raise ValueError(
                f"`embedding_size` must be a whole number, 1 or more, but got"
                f" {self.embedding_size}."
            )
        if not 0.0 <= self.margin <= LARGEST_MARGIN:
            raise ValueError(f"`margin` must lie in [0, {LARGEST_MARGIN}], but got {self.margin}.")
        if not self.scale > 0.0:
            raise ValueError(f"`scale` must be positive, but got {self.scale}.")
        for name in ("label_file", "trials"):
            require_text(f"`{name}`", getattr(self, name))
            require_file_name(f"`{name}`", getattr(self, name))
        if not self.label_file.startswith("utt2"):
            raise ValueError(
                f"`label_file` must be named utt2<label>, but got {self.label_file!r}."
            )


def read_speaker_settings(name: str, options: Options | None) -> SpeakerSettings:
    """Return the settings of an objective.

    Args:
        name: Name of the objective.
        options: Its entry below `objectives:`; None for all defaults.

    Raises:
        ValueError: If a key or a value is not valid; the message names the objective.
    """
    return read_settings(f"`objectives: {name}`", SpeakerSettings, options)
