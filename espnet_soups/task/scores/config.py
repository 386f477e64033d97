"""The settings of scores while training: `scores_conf`, checked."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from espnet_soups.objectives.decoding.decode_config import (
    DecodeConfig,
    decode_options,
    read_decode_config,
)
from espnet_soups.objectives.decoding.option import require_whole
from espnet_soups.objectives.metrics.score_config import ScoreConfig
from espnet_soups.objectives.registry import kinds_of
from espnet_soups.settings import read_settings, refuse_unknown

BLOCK = "`scores_conf`"
OWN = ("utterances", "every", "examples")
SCORING = tuple(f.name for f in fields(ScoreConfig) if f.name not in ("resamples", "seed"))
GREEDY = {"beam_size": 1}  # as far as the kinds of the run have these options
BINS = "batch_bins"


@dataclass(frozen=True)
class ScoresConfig:
    """Settings of scores while training.

    Attributes:
        utterances: Utterances of the validation set that are decoded for each objective; 0: none.
        every: Number of epochs from one scoring to the next; the last epoch is always scored.
        examples: Utterances of each objective whose texts are shown.
        decoding: Settings of decoding; greedy by default.
        scoring: Settings of scoring.
    """

    utterances: int = 0
    every: int = 1
    examples: int = 3
    decoding: DecodeConfig = field(default_factory=DecodeConfig)
    scoring: ScoreConfig = field(default_factory=ScoreConfig)

    def __post_init__(self) -> None:
        """Refuse numbers that are too small.

        Raises:
            ValueError: If one is, or is no whole number.
        """
        for name, least in (("utterances", 0), ("every", 1), ("examples", 0)):
            require_whole(name, getattr(self, name), least)

    def is_due(self, epoch: int, max_epoch: int) -> bool:
        """Return whether an epoch is scored.

        Args:
            epoch: Number of the epoch, from 1.
            max_epoch: Number of the last epoch.

        >>> [epoch for epoch in range(1, 6) if ScoresConfig(every=2).is_due(epoch, 5)]
        [2, 4, 5]
        """
        return epoch % self.every == 0 or epoch == max_epoch


def read_scores_config(options: Mapping[str, Any]) -> ScoresConfig:
    """Read `scores_conf` of a training.

    Args:
        options: The options of `msp_train`, by name.

    Raises:
        ValueError: If a key is unknown or a value not valid.
    """
    given = dict(options.get("scores_conf") or {})
    kinds = kinds_of(options)
    known = [name for name in decode_options(kinds) if name != "nbest"]
    refuse_unknown(BLOCK, given, [*OWN, *known, *SCORING])
    decoding = {name: value for name, value in GREEDY.items() if name in known}
    if options.get("batch_type") == "numel":  # as large as the mini-batches of validation
        decoding[BINS] = int(options.get("valid_batch_bins") or options.get(BINS) or 0)
    decoding |= {name: given[name] for name in known if name in given}
    scoring = {name: given[name] for name in SCORING if name in given}
    try:
        decode = read_decode_config(decoding, kinds)
    except ValueError as error:
        raise ValueError(f"{BLOCK}: {error}") from error
    score = read_settings(BLOCK, ScoreConfig, scoring)
    own = {name: given[name] for name in OWN if name in given}
    settings = {item.name: own[item.name] for item in fields(ScoresConfig) if item.name in own}
    return read_settings(BLOCK, ScoresConfig, {**settings, "decoding": decode, "scoring": score})
