"""Define the options that change the audio of training: those of ESPnet's recognition task."""

import argparse
from dataclasses import dataclass, field
from typing import Any

from espnet2.utils.nested_dict_action import NestedDictAction
from espnet2.utils.types import str_or_none

EFFECTS = "data_aug_effects"
FILES = ("noise_scp", "rir_scp")


@dataclass(frozen=True)
class EffectSettings:
    """Settings of ESPnet's `CommonPreprocessor` in `preprocessor_conf` that concern audio.

    Attributes:
        data_aug_effects: Lists of weight, name of the effect and its settings; see ESPnet's
            `DataAugmentation`.
        data_aug_num: Least and largest number of effects of an utterance.
        data_aug_prob: Probability that an utterance gets any.
    """

    data_aug_effects: list[Any] = field(default_factory=list)
    data_aug_num: list[int] = field(default_factory=lambda: [1, 1])
    data_aug_prob: float = 0.0


def add_augmentation_options(parser: argparse.ArgumentParser) -> None:
    """Add the options.

    Args:
        parser: The parser.
    """
    group = parser.add_argument_group("Changes of the audio of training (docs/large_data.md)")
    group.add_argument(
        "--noise_scp", type=str_or_none, default=None, help="Recordings of noise, a path per line"
    )
    group.add_argument(
        "--noise_apply_prob", type=float, default=1.0, help="How many utterances get noise"
    )
    group.add_argument(
        "--noise_db_range", type=str, default="13_15", help="Signal-to-noise ratios, dB"
    )
    group.add_argument(
        "--short_noise_thres",
        type=float,
        default=0.5,
        help="Warn of noise that is shorter than this share of the speech",
    )
    group.add_argument(
        "--rir_scp", type=str_or_none, default=None, help="Room impulse responses, a path per line"
    )
    group.add_argument(
        "--rir_apply_prob", type=float, default=1.0, help="How many utterances get a room"
    )
    group.add_argument(
        "--preprocessor_conf",
        action=NestedDictAction,
        default={},
        help="ESPnet's settings of further effects, such as speed: data_aug_effects, data_aug_num,"
        " data_aug_prob",
    )


def augments(args: argparse.Namespace) -> bool:
    """Return whether the options change the audio of training.

    Args:
        args: The options; configurations of earlier releases have none of them.
    """
    settings: dict[str, Any] = vars(args)
    effects = (settings.get("preprocessor_conf") or {}).get(EFFECTS)
    return bool(effects) or any(settings.get(name) for name in FILES)
