"""The labels of one objective in one set, for the checks of its kind before the first step."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from espnet_soups.objectives.kind import Encoder
    from espnet_soups.objectives.objective import Objective

NO_LABEL = "<na>"  # an absent label in a table, as in ESPnet's s2t recipes


class NothingToLearnError(Exception):
    """Error of an objective without a usable label in a set."""


def refuse_blind_validation(
    objectives: "Sequence[Objective]", without: Mapping[str, str], where: str
) -> None:
    """Refuse a validation set without a usable label for any objective: no epoch could be chosen.

    Args:
        objectives: All objectives of the run.
        without: Name of each objective without a usable label there, to the reason.
        where: Name of the set, for the message.

    Raises:
        ValueError: If no objective has a usable label.

    >>> from espnet_soups.objectives.objective import Objective
    >>> spk, ssl = Objective("spk", "spk"), Objective("ssl", "ssl", supervised=False)
    >>> refuse_blind_validation([spk, ssl], {"spk": "…"}, "dev")
    >>> refuse_blind_validation([spk], {"spk": "…"}, "dev")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    ValueError: dev has neither loss nor accuracy of any objective, so that no epoch could be...
    """
    if objectives and all(objective.name in without for objective in objectives):
        raise ValueError(
            f"{where} has neither loss nor accuracy of any objective, so that no epoch could be"
            f" chosen by it: {' '.join(without.values())} Give it labels that the training set"
            " knows."
        )


@dataclass(frozen=True)
class LabelledObjective:
    """Labels of a set, without absent ones.

    Attributes:
        objective: The objective.
        where: Name of the labels in messages, such as `dump/train/text (asr_fr)`.
        texts: Utterance id to label; a part of them if the set is large.
        training: Whether the set is used for training.
        encoder: The encoder of the labels to arrays; None for audio.
        head: The head that learns from them.
        settings: Its entry below `objectives:` of the training configuration.
        encoded_frames: Function that estimates the encoded frames of each utterance, [N].
    """

    objective: "Objective"
    where: str
    texts: Mapping[str, str]
    training: bool
    encoder: "Encoder | None"
    head: Any
    settings: Mapping[str, Any] = field(default_factory=dict)
    encoded_frames: "Callable[[], NDArray[np.float64]]" = field(repr=False, default=lambda: None)  # type: ignore[assignment,return-value]
