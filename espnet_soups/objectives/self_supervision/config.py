"""Settings of self-supervision: `ssl_conf` in YAML, checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from espnet_soups.losses.cpc import NEGATIVES
from espnet_soups.settings import read_settings

AUDIO = ("all", "labeled", "unlabeled")
PREDICTORS = ("autoregressive", "linear")
TARGETS = ("features", "encoded")
TARGET_NORMS = ("utterance", "none")


@dataclass(frozen=True)
class CPCConfig:
    """Settings in `ssl_conf` for `ssl: cpc`.

    Attributes:
        context_frames: Length of the encoded context, frames of 10 ms.
        future_frames: Length of the predicted future, frames of 10 ms.
        min_context_frames: Smallest length of a context, frames of 10 ms; shorter utterances are
            left out.
        predictor: `autoregressive` (the paper: step by step) or `linear` (one matrix per step).
        targets: Targets of the predictions: `features` of the future, projected, or the future
            `encoded` by itself.
        hidden_size: Size of the autoregressive predictor.
        projection_size: Size of predictions and targets.
        temperature: Divisor of the cosines.
        negatives: `batch`, `utterance` or `step`; see `info_nce`.
        audio: Utterances to learn from: `all`, or those that are `labeled` or `unlabeled`.
    """

    context_frames: int = 240
    future_frames: int = 120
    min_context_frames: int = 40
    predictor: str = "autoregressive"
    targets: str = "features"
    hidden_size: int = 256
    projection_size: int = 128
    temperature: float = 0.1
    negatives: str = "batch"
    audio: str = "all"

    def __post_init__(self) -> None:
        """Refuse values that cannot be trained with.

        Raises:
            ValueError: If a value is not valid.
        """
        sizes = ("context_frames", "future_frames", "min_context_frames", "hidden_size")
        _check_positive(self, *sizes, "projection_size", "temperature")
        _check_choice("predictor", self.predictor, PREDICTORS)
        _check_choice("targets", self.targets, TARGETS)
        _check_choice("negatives", self.negatives, NEGATIVES)
        _check_choice("audio", self.audio, AUDIO)
        if self.min_context_frames > self.context_frames:
            raise ValueError(
                f"`min_context_frames` ({self.min_context_frames}) of `ssl_conf` is above"
                f" `context_frames` ({self.context_frames})."
            )


@dataclass(frozen=True)
class BestRQConfig:
    """Settings in `ssl_conf` for `ssl: best_rq`.

    Attributes:
        mask_frames: Length of a masked span, frames of 10 ms.
        mask_prob: Probability that a span begins at a frame of 10 ms.
        mask_noise: Standard deviation of the noise that replaces masked features.
        codebooks: Number of quantisers.
        codebook_size: Number of codes of each.
        codebook_dim: Dimension of the codes.
        seed: Seed of the quantisers.
        target_norm: Normalisation before the quantisers: `utterance` scales every feature of an
            utterance to mean 0 and variance 1; `none` leaves it to the model's `normalize`.
        audio: Utterances to learn from: `all`, or those that are `labeled` or `unlabeled`.
    """

    mask_frames: int = 40
    mask_prob: float = 0.01
    mask_noise: float = 0.1
    codebooks: int = 1
    codebook_size: int = 1024
    codebook_dim: int = 16
    seed: int = 45
    target_norm: str = "utterance"
    audio: str = "all"

    def __post_init__(self) -> None:
        """Refuse values that cannot be trained with.

        Raises:
            ValueError: If a value is not valid.
        """
        _check_positive(self, "mask_frames", "codebooks", "codebook_size", "codebook_dim")
        if not 0.0 < self.mask_prob < 1.0:
            raise ValueError(f"`mask_prob` must lie between 0 and 1, but got {self.mask_prob}.")
        if self.mask_noise < 0:
            raise ValueError(f"`mask_noise` must not be negative, but got {self.mask_noise}.")
        _check_choice("target_norm", self.target_norm, TARGET_NORMS)
        _check_choice("audio", self.audio, AUDIO)


SSL_CONFIGS: dict[str, type[CPCConfig] | type[BestRQConfig]] = {
    "cpc": CPCConfig,
    "best_rq": BestRQConfig,
}


def read_ssl_config(name: str, options: Mapping[str, Any]) -> CPCConfig | BestRQConfig | None:
    """Read `ssl` and `ssl_conf`.

    Args:
        name: The method: `cpc`, `best_rq` or `none`.
        options: `ssl_conf`, a mapping.

    Returns:
        The settings; None for the method `none`.

    Raises:
        ValueError: If a name, a key or a value is not valid.
    """
    if name == "none":
        return None
    _check_choice("ssl", name, ("none", *SSL_CONFIGS))
    return read_settings(f"`ssl_conf` of {name}", SSL_CONFIGS[name], options, within="{error}")


def _check_positive(config: CPCConfig | BestRQConfig, *names: str) -> None:
    for name in names:
        value = getattr(config, name)
        if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
            raise ValueError(f"`{name}` of `ssl_conf` must be positive, but got {value!r}.")
        if isinstance(getattr(type(config), name), int) and not isinstance(value, int):
            raise ValueError(f"`{name}` of `ssl_conf` must be a whole number, but got {value!r}.")


def _check_choice(name: str, value: Any, valid: tuple[str, ...]) -> None:
    if value not in valid:
        raise ValueError(f"`{name}` must be one of {list(valid)}, but got {value!r}.")
