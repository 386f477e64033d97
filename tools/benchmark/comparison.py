"""Compare modes with joint training, and numbers of objectives with one another."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tools.benchmark.catalogue import build_mode
from tools.benchmark.measure import (
    interleaved_seconds,
    median_ratio,
    memory_in_fresh_process,
    peak_memory_mib,
)
from tools.benchmark.names import BASELINE, JOINT, SCALED_MODES, STEPS_PER_ROUND
from tools.benchmark.spec import BenchSpec, with_objectives


@dataclass(frozen=True)
class ModeCost:
    """Cost of a mode.

    Attributes:
        seconds: Median seconds of an update.
        time_ratio: Median ratio of its time to that of joint training on pooled batches.
        alike_ratio: The same ratio to joint steps that are encoded like its own: measured steps by
            language (if the encoder allows it), the others pooled.
        batches: Number of mini-batches that one update consumes.
        memory_ratio: Ratio of its peak memory to that of joint training on pooled batches; None:
            not measured.
        rows_mib: Memory of the gradient rows of two batches, MiB.
        rounds: Turns of each mode.
    """

    seconds: float
    time_ratio: float
    alike_ratio: float
    batches: int
    memory_ratio: float | None
    rows_mib: float
    rounds: int

    @property
    def time_ratio_per_audio(self) -> float:
        """Ratio of times for the same amount of audio."""
        return self.time_ratio / self.batches

    def record(self) -> dict[str, Any]:
        """Return the record that is written as JSON."""
        return {
            "time_ratio": round(self.time_ratio, 3),
            "alike_ratio": round(self.alike_ratio, 3),
            "time_ratio_per_audio": round(self.time_ratio_per_audio, 3),
            "memory_ratio": None if self.memory_ratio is None else round(self.memory_ratio, 3),
            "rounds": self.rounds,
            "rows_mib": round(self.rows_mib, 1),
        }


@dataclass(frozen=True)
class SizeCost:
    """Cost of a number of objectives at equal audio.

    Attributes:
        time_ratio: Median ratio of the time to that of the smallest number, by mode.
        audio_seconds: Audio of a mini-batch, seconds.
        rounds: Turns of each mode and number.
    """

    time_ratio: dict[str, float]
    audio_seconds: float
    rounds: int


def compare_modes(
    config: str,
    spec: BenchSpec,
    modes: Sequence[str],
    rounds: int,
    memory: bool,
    progress: Callable[[int], None],
    device: str = "cpu",
    clock: str = "wall",
) -> tuple[int, dict[str, ModeCost]]:
    """Measure modes in turn in this process, and their memory in a fresh process each.

    Args:
        config: Name or path of the configuration, for the fresh processes.
        spec: The same configuration.
        modes: Names of the modes, including both joint ones.
        rounds: Turns of each mode.
        memory: Whether to measure peak memory.
        progress: Function that is called with the number of every finished round; 0: the warm-up.
        device: `cpu` or `cuda`.
        clock: See `interleaved_seconds`.

    Returns:
        (parameters of the model, cost of each mode).
    """
    peaks = (
        {mode: memory_in_fresh_process(config, mode, device) for mode in modes} if memory else {}
    )
    built = {mode: build_mode(mode, spec, device) for mode in modes}
    steps = {mode: step.step for mode, step in built.items()}
    seconds = interleaved_seconds(steps, rounds, STEPS_PER_ROUND, progress, device, clock)
    costs = {
        mode: ModeCost(
            seconds=statistics.median_high(seconds[mode]),
            time_ratio=median_ratio(seconds[mode], seconds[BASELINE]),
            alike_ratio=median_ratio(seconds[mode], encoded_alike(seconds, step.share_apart)),
            batches=step.batches_per_update,
            memory_ratio=peaks[mode] / peaks[BASELINE] if peaks else None,
            rows_mib=step.rows_mib(),
            rounds=rounds,
        )
        for mode, step in built.items()
    }
    return sum(p.numel() for p in built[BASELINE].model.parameters()), costs


def encoded_alike(seconds: Mapping[str, Sequence[float]], share: float) -> list[float]:
    """Return the seconds of joint steps of which a share is encoded by language, for each round.

    Args:
        seconds: Seconds of both joint modes in each round, by mode.
        share: The share, 0 to 1.

    >>> encoded_alike({"joint_pooled": [1.0], "joint": [2.0]}, share=0.25)
    [1.25]
    """
    pooled, apart = (seconds[name] for name in JOINT)
    return [p + share * (a - p) for p, a in zip(pooled, apart, strict=True)]


def compare_sizes(
    spec: BenchSpec,
    sizes: Sequence[int],
    rounds: int,
    progress: Callable[[int], None],
    device: str = "cpu",
) -> dict[int, SizeCost]:
    """Measure numbers of objectives at equal audio, in turn.

    Args:
        spec: Model and mini-batches, which are varied.
        sizes: Numbers of objectives, ascending.
        rounds: Turns of each mode and number.
        progress: Function that is called with the number of every finished round; 0: the warm-up.
        device: `cpu` or `cuda`.

    Returns:
        Number of objectives to its cost.
    """
    specs = {size: replace(spec, batch=with_objectives(spec.batch, size)) for size in sizes}
    steps = {
        f"{mode}@{size}": build_mode(mode, specs[size], device).step
        for size in sizes
        for mode in SCALED_MODES
    }
    seconds = interleaved_seconds(steps, rounds, STEPS_PER_ROUND, progress, device)

    def ratio(mode: str, size: int) -> float:
        return round(median_ratio(seconds[f"{mode}@{size}"], seconds[f"{mode}@{sizes[0]}"]), 3)

    return {
        size: SizeCost(
            time_ratio={mode: ratio(mode, size) for mode in SCALED_MODES},
            audio_seconds=specs[size].batch.audio_seconds,
            rounds=rounds,
        )
        for size in sizes
    }


def peak_memory_of(mode: str, spec: BenchSpec, device: str = "cpu") -> float:
    """Return the peak memory of this process after some updates of one mode, MiB.

    Args:
        mode: Name of the mode.
        spec: Model and mini-batches.
        device: `cpu` or `cuda`.
    """
    step = build_mode(mode, spec, device)
    for _ in range(STEPS_PER_ROUND):
        step.step()
    return peak_memory_mib(device)
