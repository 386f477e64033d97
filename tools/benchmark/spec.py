"""Read a benchmark configuration: options of a model, and the shape of its mini-batches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from espnet_soups.files import read_yaml
from espnet_soups.settings import read_settings

CONFIGS = Path(__file__).parent / "configs"


@dataclass(frozen=True)
class BatchShape:
    """Shape of the mini-batches of one update.

    Attributes:
        asr_languages: Languages that are recognised.
        st_pairs: Pairs that are translated.
        utterances: Utterances of each language in each mini-batch.
        seconds: Mean length of an utterance; lengths inside a language vary by a twentieth.
        unlike: Share by which the mean length of the first language falls short of the mean, and
            that of the last one exceeds it.
        stretches: How long the utterances of each mini-batch are, relative to `seconds`, in turn;
            there are as many fewer of them. Real corpora have short and long utterances.
        frame_seconds: Length of an input frame.
        asr_tokens_per_second: Tokens of recognition per second of audio.
        st_tokens_per_second: Tokens of translation per second of audio.
        asr_vocabulary: Number of tokens of each recognition head.
        st_vocabulary: Number of tokens of each translation head.
    """

    asr_languages: Sequence[str]
    st_pairs: Sequence[str] = ()
    utterances: int = 4
    seconds: float = 4.0
    unlike: float = 0.0
    stretches: Sequence[float] = (1.0,)
    frame_seconds: float = 0.01
    asr_tokens_per_second: float = 12.0
    st_tokens_per_second: float = 4.0
    asr_vocabulary: int = 50
    st_vocabulary: int = 250

    @property
    def objectives(self) -> int:
        """Number of objectives, K."""
        return len(self.asr_languages) + len(self.st_pairs)

    @property
    def audio_seconds(self) -> float:
        """Seconds of speech in a mini-batch."""
        return self.seconds * self.utterances * len(self.asr_languages)

    def stretched(self, number: int) -> "BatchShape":
        """Return the shape of one mini-batch, with about the same audio.

        Args:
            number: Position of the mini-batch among all.
        """
        stretch = self.stretches[number % len(self.stretches)]
        utterances = max(1, round(self.utterances / stretch))
        seconds = self.seconds * self.utterances / utterances
        return replace(self, utterances=utterances, seconds=seconds)


@dataclass(frozen=True)
class BenchSpec:
    """Benchmark configuration.

    Attributes:
        name: Name of the file, without suffix.
        model: Options of `msp_train` that define model and optimiser.
        batch: Shape of its mini-batches.
        selected: Names of the layers on which the modes `selected…` measure.
    """

    name: str
    model: Mapping[str, Any]
    batch: BatchShape
    selected: Sequence[str]


def config_names() -> list[str]:
    """List the configurations that lie beside this file."""
    return sorted(path.stem for path in CONFIGS.glob("*.yaml"))


def read_spec(config: str) -> BenchSpec:
    """Read a benchmark configuration.

    Args:
        config: One of `config_names()`, or the path of a YAML file with the keys `model`,
            `batch` and `selected`.

    Raises:
        ValueError: If the file does not exist or a key is missing or unknown.
    """
    path = CONFIGS / f"{config}.yaml" if config in config_names() else Path(config)
    if not path.is_file():
        raise ValueError(f"`--config` must be one of {config_names()} or a file, got {config!r}.")
    shape = {"model?": dict[str, Any], "batch?": dict, "selected?": list[str]}
    content = read_yaml(path, "the benchmark configuration", shape)
    expected = {"model", "batch", "selected"}
    if set(content) != expected:
        raise ValueError(
            f"{path} must have the keys {sorted(expected)}, but has {sorted(content)}."
        )
    batch = read_settings(f"`batch` of {path}", BatchShape, content["batch"])
    return BenchSpec(path.stem, content["model"], batch, content["selected"])


def with_objectives(shape: BatchShape, objectives: int) -> BatchShape:
    """Return mini-batches of about the same audio with another number of objectives.

    Half of the objectives, rounded up, are recognition; the others translate all languages but the
    first into the first.

    Args:
        shape: The mini-batches to vary.
        objectives: K, odd, 3 or more.

    Raises:
        ValueError: If `objectives` is even or below 3.
    """
    if objectives < 3 or objectives % 2 == 0:
        raise ValueError(f"`--objectives` must be odd numbers from 3 on, but got {objectives}.")
    languages = [f"l{number}" for number in range((objectives + 1) // 2)]
    pairs = [f"{language}_{languages[0]}" for language in languages[1:]]
    total = shape.utterances * len(shape.asr_languages)
    utterances = max(1, round(total / len(languages)))
    seconds = shape.audio_seconds / (utterances * len(languages))
    return replace(
        shape, asr_languages=languages, st_pairs=pairs, utterances=utterances, seconds=seconds
    )
