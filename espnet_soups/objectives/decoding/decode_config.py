"""The settings of decoding: the YAML file of `--inference_config`, checked."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import yaml

from espnet_soups.settings import refuse_unknown

ASR_METHODS = ("ctc_greedy", "ctc_prefix", "hybrid")


@dataclass(frozen=True)
class DecodeConfig:
    """How speech is decoded; names and meanings are ESPnet's.

    Attributes:
        asr_method: `ctc_greedy` (best class of every frame), `ctc_prefix` (beam search over CTC
            prefixes), or `hybrid` (beam search over attention and CTC; needs a decoder).
        beam_size: Hypotheses kept by every beam search, fewer than there are tokens.
        ctc_weight: Share of CTC in `hybrid`, 0 to 1.
        st_ctc_weight: Share of ST-CTC in translation, 0 to 1; heads without a decoder use 1.
        penalty: Added to the score per token.
        maxlenratio: Longest output per encoded frame; 0: until the search sees the end; negative:
            that many tokens.
        minlenratio: Shortest output per encoded frame; negative: that many tokens.
        nbest: Hypotheses given back, best first; greedy decoding has one.
        batch_size: Utterances that are decoded together.
        batch_bins: Padded numbers (features or samples) of a batch at most; 0: no limit.
    """

    asr_method: str = "ctc_greedy"
    beam_size: int = 10
    ctc_weight: float = 0.3
    st_ctc_weight: float = 0.0
    penalty: float = 0.0
    maxlenratio: float = 0.0
    minlenratio: float = 0.0
    nbest: int = 1
    batch_size: int = 16
    batch_bins: int = 0

    def __post_init__(self) -> None:
        """Refuses what no search can follow.

        Raises:
            ValueError: If a value has the wrong type or lies outside its range.
        """
        if self.asr_method not in ASR_METHODS:
            raise ValueError(
                f"`asr_method` must be one of {list(ASR_METHODS)}, but got {self.asr_method!r}."
            )
        for name, least in (("beam_size", 1), ("nbest", 1), ("batch_size", 1), ("batch_bins", 0)):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise ValueError(
                    f"`{name}` must be a whole number, {least} or more, but got {value!r}."
                )
        for name in ("ctc_weight", "st_ctc_weight", "penalty", "maxlenratio", "minlenratio"):
            value = getattr(self, name)
            if not isinstance(value, int | float) or isinstance(value, bool):
                raise ValueError(f"`{name}` must be a number, but got {value!r}.")
            if name.endswith("ctc_weight") and not 0.0 <= value <= 1.0:
                raise ValueError(f"`{name}` must lie in [0, 1], but got {value}.")
        if 0 < self.maxlenratio < self.minlenratio:
            raise ValueError(
                f"`minlenratio` must not be above `maxlenratio`, but {self.minlenratio} >"
                f" {self.maxlenratio}."
            )


def read_decode_config(options: Mapping[str, Any]) -> DecodeConfig:
    """Reads decode options.

    Raises:
        ValueError: If a key is unknown or a value not valid.
    """
    refuse_unknown("A decoding config", options, [item.name for item in fields(DecodeConfig)])
    return DecodeConfig(**options)


def load_decode_config(path: Path | None) -> DecodeConfig:
    """Reads a YAML file of decode options; None or an empty file: the defaults.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no YAML mapping, or a key or value is not valid.
    """
    if path is None:
        return DecodeConfig()
    try:
        options = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ValueError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from error
    if options is None:
        return DecodeConfig()
    if not isinstance(options, dict):
        raise ValueError(f"{path} must hold `key: value` lines, but holds a {type(options)}.")
    try:
        return read_decode_config(options)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
