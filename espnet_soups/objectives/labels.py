"""The labels of one objective in one set, as its kind looks at them before the first step."""

from collections.abc import Callable, Mapping
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
