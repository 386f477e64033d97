"""Enhancement: clean speech from noisy speech."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from espnet_soups.file_names import require_file_name
from espnet_soups.objectives.kind import Heads, Kind, Metric, Options, Parts
from espnet_soups.objectives.objective import Objective
from espnet_soups.settings import read_settings, require_text

if TYPE_CHECKING:
    from espnet_soups.objectives.decoding.decode_config import DecodeConfig
    from espnet_soups.objectives.decoding.enhancer_decoder import EnhancerDecoder
    from espnet_soups.objectives.heads.enhancing_head import EnhancingHead
    from espnet_soups.objectives.heads.head import Head
    from espnet_soups.objectives.metrics.measured import Measured
    from espnet_soups.objectives.metrics.score_config import ScoreConfig

AUDIO_TABLE = ".scp"
# Names of the noisy audio, and of data of other kinds.
TAKEN = ("wav", "feats", "speech", "lang", "text", "text_*", "utt2*", "spk*", "cls_*", "*_lengths")


@dataclass(frozen=True)
class EnhancementSettings:
    """Settings of an enhancement, below `objectives:`.

    Attributes:
        label_file: File of the data dirs that names the clean audio.
        language: Language whose utterances take part; empty for all.
        n_fft: Samples of a window of the spectrogram that is masked (`feats_type: raw`).
        hop_length: Samples from one window to the next.
        kind: A class of your own that derives from `Enhancement`, `module:Class`.
    """

    label_file: str = "clean.scp"
    language: str = ""
    n_fft: int = 512
    hop_length: int = 128
    kind: str = "enh"

    def __post_init__(self) -> None:
        """Refuse settings from which no head can be built.

        Raises:
            ValueError: If a value is not valid.
        """
        require_text("`language`", self.language)
        require_text("`label_file`", self.label_file)
        require_file_name("`label_file`", self.label_file)
        name = self.label_file.removesuffix(AUDIO_TABLE)
        if name in ("", self.label_file):
            raise ValueError(
                f"`label_file` must be named <name>{AUDIO_TABLE}, but got {self.label_file!r}."
            )
        if any(fnmatchcase(name, pattern) for pattern in TAKEN):
            raise ValueError(
                f"`label_file` must name clean audio, but the name {self.label_file} is taken: call"
                f" it something else, such as clean{AUDIO_TABLE}."
            )
        for name in ("n_fft", "hop_length"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"`{name}` must be a whole number above 0, but got {value!r}.")
        if 2 * self.hop_length > self.n_fft:
            raise ValueError(
                f"`hop_length` must be at most half of `n_fft` ({self.n_fft}), since windows that"
                f" do not overlap cannot be put together, but got {self.hop_length}."
            )


def read_enhancement_settings(name: str, options: Options | None) -> EnhancementSettings:
    """Return the settings of an enhancement objective.

    Args:
        name: Name of the objective.
        options: Its entry below `objectives:`; None for all defaults.

    Raises:
        ValueError: If a key or a value is not valid; the message names the objective.
    """
    return read_settings(f"`objectives: {name}`", EnhancementSettings, options)


class Enhancement(Kind):
    """Clean speech from noisy speech: `enh`, or `enh_<name>`.

    `wav.scp` of a data dir names the noisy audio, `clean.scp` the clean one, which must agree
    sample by sample; `<na>` stands for none. SpecAugment is not applied to its input.
    """

    name: ClassVar[str] = "enh"
    title: ClassVar[str] = "Enhancement"
    sign: ClassVar[str] = "ENH"
    hub_tag: ClassVar[str] = "audio-to-audio"
    letters: ClassVar[Mapping[str, str]] = {"N": "enh*"}
    loss_unit: ClassVar[str] = ""  # squares of log filterbanks, or dB
    loss_per: ClassVar[str] = "frame or utterance"
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("lsd_gain", "LSD gain", "dB", lower_is_better=False, digits=2),
        Metric("si_sdr_gain", "SI-SDR gain", "dB", lower_is_better=False, digits=2),
        Metric("lsd", "LSD", "dB", headline=False, digits=2),
        Metric("si_sdr", "SI-SDR", "dB", lower_is_better=False, headline=False, digits=2),
    )

    # --- names and settings --------------------------------------------------------------------

    def objective(self, name: str, settings: Options) -> Objective:
        """Return an objective.

        Raises:
            ValueError: If a setting is not valid.
        """
        own = read_enhancement_settings(name, settings)
        label = own.label_file.removesuffix(AUDIO_TABLE)
        return Objective(
            name,
            own.kind,
            own.language,
            label=label,
            label_file=own.label_file,
            label_type="audio",
        )

    def settings(self, objective: Objective, args: argparse.Namespace) -> EnhancementSettings:
        """Return the settings of an objective.

        Args:
            objective: The objective.
            args: The options of `msp_train`.

        Raises:
            ValueError: If a key or a value is not valid.
        """
        own = (args.objectives or {}).get(objective.name)
        return read_enhancement_settings(objective.name, own)

    # --- the network ---------------------------------------------------------------------------

    def build_heads(
        self, objectives: Sequence[Objective], args: argparse.Namespace, parts: Parts
    ) -> Heads:
        """Build a head for each objective: for features from disk, or for samples."""
        heads: dict[str, Head] = {
            objective.name: self._build_head(self.settings(objective, args), args, parts)
            for objective in objectives
        }
        return Heads(heads)

    def _build_head(
        self, settings: EnhancementSettings, args: argparse.Namespace, parts: Parts
    ) -> "EnhancingHead":
        from espnet_soups.objectives.heads.feature_enhancer import FeatureEnhancer
        from espnet_soups.objectives.heads.waveform_enhancer import WaveformEnhancer

        if args.input_size is None:
            return WaveformEnhancer(parts.encoder_size, settings.n_fft, settings.hop_length)
        # those of the training set, where ESPnet's global normalisation knows them
        deviations = getattr(parts.normalize, "std", None)
        return FeatureEnhancer(
            parts.encoder_size,
            parts.feature_size,
            None if deviations is None else deviations.detach().clone(),
        )

    # --- decoding and scores -------------------------------------------------------------------

    def build_decoder(
        self,
        objective: Objective,
        head: "Head",
        args: argparse.Namespace,
        config: "DecodeConfig",
    ) -> "EnhancerDecoder":
        """Return a decoder that enhances speech."""
        from espnet_soups.objectives.decoding.enhancer_decoder import EnhancerDecoder
        from espnet_soups.objectives.heads.enhancing_head import EnhancingHead

        assert isinstance(head, EnhancingHead)  # as `build_heads` made it
        return EnhancerDecoder(head)

    def score_names(
        self, objective: Objective, options: Options, config: "ScoreConfig"
    ) -> list[str]:
        """Return the measure of features, or that of samples, and its gain."""
        name = "lsd" if options["input_size"] is not None else "si_sdr"
        return [f"{name}_gain", name]

    def measure(
        self, objective: Objective, reference_dir: Path, decode_dir: Path, config: "ScoreConfig"
    ) -> "Measured":
        """Return the gain of enhancement over the noisy speech."""
        from espnet_soups.objectives.metrics.enhancement_gain import measure_enhancement

        return measure_enhancement(objective, reference_dir, decode_dir)
