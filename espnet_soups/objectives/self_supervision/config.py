"""The settings of self-supervision: `ssl_conf` in YAML, checked."""

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
    """What `ssl_conf` may say for `ssl: cpc`.

    Attributes:
        context_frames: Frames of 10 ms that are encoded.
        future_frames: Frames of 10 ms that are predicted from them.
        min_context_frames: Frames of 10 ms that a context has at least; shorter utterances take no
            part.
        predictor: `autoregressive` (the paper: step by step) or `linear` (one matrix per step).
        targets: What predictions are compared with: `features` of the future, projected, or the
            future `encoded` by itself.
        hidden_size: Of the autoregressive predictor.
        projection_size: Of the vectors that are compared.
        temperature: What cosines are divided by.
        negatives: `batch`, `utterance` or `step`; see `info_nce`.
        audio: `all` utterances, or those that are `labeled` or `unlabeled`.
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
        """Refuse what cannot be trained.

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
    """What `ssl_conf` may say for `ssl: best_rq`.

    Attributes:
        mask_frames: Frames of 10 ms of a masked span.
        mask_prob: That a span begins at a frame of 10 ms.
        mask_noise: Standard deviation of the noise that masked features are replaced by.
        codebooks: Number of quantisers.
        codebook_size: Codes of each.
        codebook_dim: Dimension of the codes.
        seed: Of the quantisers.
        target_norm: What the quantisers see: `utterance` gives every feature of an utterance mean
            0 and variance 1; `none` leaves it to the model's `normalize`.
        audio: `all` utterances, or those that are `labeled` or `unlabeled`.
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
        """Refuse what cannot be trained.

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
    """Read `ssl` and `ssl_conf`; None: no self-supervision.

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
