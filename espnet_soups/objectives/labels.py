"""The labels of one objective in one set, as its kind looks at them before the first step."""

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
    """An objective has no label in a set that it could learn from."""


def refuse_blind_validation(
    objectives: "Sequence[Objective]", without: Mapping[str, str], where: str
) -> None:
    """Refuse a validation set that has nothing for any objective: no epoch could be chosen.

    Args:
        objectives: All objectives of the run.
        without: Those that have no label there that could be used, by name, and why.
        where: How the message calls the set.

    Raises:
        ValueError: If all of them are without.

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
    """Labels of a set, absent ones left out.

    Attributes:
        objective: The objective.
        where: How messages call the labels, such as `dump/train/text (asr_fr)`.
        texts: Utterance id to label; of a large set a part.
        training: Whether the set is trained on.
        encoder: What turns them into arrays; None: they are audio.
        head: The head that learns from them.
        settings: What `objectives:` of the training configuration says of the objective.
        encoded_frames: Estimates the frames after the encoder of each utterance, [N].
    """

    objective: "Objective"
    where: str
    texts: Mapping[str, str]
    training: bool
    encoder: "Encoder | None"
    head: Any
    settings: Mapping[str, Any] = field(default_factory=dict)
    encoded_frames: "Callable[[], NDArray[np.float64]]" = field(repr=False, default=lambda: None)  # type: ignore[assignment,return-value]
