"""Gain of enhancement: how much closer enhanced speech is to clean speech than noisy speech."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from espnet_soups.data.ark import read_array, refuse_commands
from espnet_soups.data.audio import read_samples
from espnet_soups.files import read_table
from espnet_soups.objectives.metrics.listing import Entry
from espnet_soups.objectives.metrics.measured import MeasuredSums, NothingToScoreError, Scores
from espnet_soups.objectives.objective import Objective

DB_PER_NEPER = 10.0 / math.log(10.0)
SMALLEST = 1e-20  # energy of an utterance that counts as silent
EPSILON = 1e-8  # keeps ratios within 80 dB
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Closeness:
    """Measure of how close speech is to clean speech.

    Attributes:
        name: Key of its score; `<name>_gain` is that of the gain.
        title: Name in listings.
        audio: File of a data dir that names the noisy speech.
        read: Function that reads the speech of a location: frames [T, F] or samples [S].
        measure: Function that sums the measure over (speech, clean speech), and returns the sum and
            the number of frames or utterances in it.
        sign: 1 if more is better, -1 if less is.
    """

    name: str
    title: str
    audio: str
    read: Callable[[str], Array]
    measure: Callable[[Array, Array], tuple[float, int]]
    sign: float


def spectral_distance(estimate: Array, reference: Array) -> tuple[float, int]:
    """Return the sum of the log-spectral distances of all frames, dB, and their number.

    Args:
        estimate: Natural logarithms of power, [T, F].
        reference: The log power of the clean speech, [T, F].
    """
    distances = DB_PER_NEPER * np.sqrt(np.square(estimate - reference).mean(axis=1))
    return float(distances.sum()), len(distances)


def distortion_ratio(estimate: Array, reference: Array) -> tuple[float, int]:
    """Return the scale-invariant signal-to-distortion ratio of samples, dB, and 1 for their number.

    Args:
        estimate: Samples, [S].
        reference: The clean samples, [S].

    Source:
        As `losses/si_sdr.py`.
    """
    estimate, reference = estimate - estimate.mean(), reference - reference.mean()
    power = max(float(reference @ reference), SMALLEST)
    target = (estimate @ reference) / power * reference
    floor = EPSILON * float(estimate @ estimate) + SMALLEST
    kept, lost = np.square(target).sum() + floor, np.square(estimate - target).sum() + floor
    return float(10.0 * (np.log10(kept) - np.log10(lost))), 1


def _read_features(location: str) -> Array:
    return np.asarray(read_array(location), dtype=np.float64)


def _read_samples(location: str) -> Array:
    return np.asarray(read_samples(location)[0], dtype=np.float64)


FEATURES = Closeness("lsd", "LSD", "feats.scp", _read_features, spectral_distance, -1.0)
SAMPLES = Closeness("si_sdr", "SI-SDR", "wav.scp", _read_samples, distortion_ratio, 1.0)


def measure_enhancement(
    objective: Objective, reference_dir: Path, decode_dir: Path
) -> MeasuredSums:
    """Measure enhanced and noisy speech against clean speech.

    Features are measured by their log-spectral distance per frame, samples by their SI-SDR per
    utterance; a gain is the improvement over the noisy speech.

    Args:
        objective: The objective.
        reference_dir: A dumped set, with `feats.scp` or `wav.scp`, and the clean speech.
        decode_dir: Folder with `<objective>/array.scp`.

    Raises:
        OSError: If a file is missing.
        ValueError: If utterances differ between files or in length; a `NothingToScoreError` if
            none has clean speech.
    """
    measure = FEATURES if (reference_dir / FEATURES.audio).is_file() else SAMPLES
    clean_path, array_path = (
        reference_dir / objective.label_file,
        decode_dir / objective.name / "array.scp",
    )
    if not clean_path.is_file():
        raise NothingToScoreError(f"{reference_dir} has no {objective.label_file}")
    clean, noisy, enhanced = (
        read_table(path) for path in (clean_path, reference_dir / measure.audio, array_path)
    )
    refuse_commands(array_path, enhanced)
    for path, table in ((clean_path, clean), (reference_dir / measure.audio, noisy)):
        refuse_commands(path, table)
        missing = sorted(enhanced.keys() - table.keys())
        if missing:
            raise ValueError(
                f"{array_path} has {len(missing)} utterances that {path} lacks, first"
                f" {missing[0]}: both must be of the same set."
            )
    rows = dict(_measure_all(measure, clean, noisy, enhanced, array_path))
    if not rows:
        raise NothingToScoreError(f"{clean_path} has no clean speech")
    return _measured(objective, measure, rows, len(enhanced) - len(rows))


def _measure_all(
    measure: Closeness,
    clean: Mapping[str, str],
    noisy: Mapping[str, str],
    enhanced: Mapping[str, str],
    path: Path,
) -> Iterator[tuple[str, Array]]:
    """Yield (sum for the noisy speech, sum for the enhanced, number) of each utterance."""
    for key, location in enhanced.items():
        reference = measure.read(clean[key])
        if np.isnan(reference).any():
            continue  # it has no clean speech
        before, after = measure.read(noisy[key]), _read_features(location)
        for name, speech in (("noisy", before), ("enhanced", after)):
            if speech.shape != reference.shape:
                raise ValueError(
                    f"{path}: the {name} speech of {key} has shape {speech.shape}, but the clean"
                    f" one has {reference.shape}; dump the set (stage 3) and decode it again."
                )
        (first, count), (second, _) = (measure.measure(item, reference) for item in (before, after))
        yield key, np.array([first, second, count])


def _measured(
    objective: Objective, measure: Closeness, rows: Mapping[str, Array], without: int
) -> MeasuredSums:
    gain = f"{measure.name}_gain"

    def scores(sums: NDArray[np.float64]) -> Scores:
        before, after = sums[..., 0] / sums[..., 2], sums[..., 1] / sums[..., 2]
        return {gain: measure.sign * (after - before), measure.name: after}

    statistics = np.stack(list(rows.values()))
    whole = scores(statistics.sum(axis=0))
    before = float(statistics[:, 0].sum() / statistics[:, 2].sum())
    return MeasuredSums(
        keys=list(rows),
        title=f"{objective.name}: {measure.title} {float(whole[measure.name]):.2f} dB, noisy"
        f" {before:.2f} dB, over {len(rows)} utterances; least gain first",
        statistics=statistics,
        scores=scores,
        details={measure.name: {"noisy": before}},
        entries=_entries(measure, rows),
        without_reference=without,
    )


def _entries(measure: Closeness, rows: Mapping[str, Array]) -> list[Entry]:
    """List utterances, those with the least gain first."""
    entries = []
    for key, (first, second, count) in rows.items():
        before, after = first / count, second / count
        gain = measure.sign * (after - before)
        body = f"{measure.title} noisy {before:.2f} dB, enhanced {after:.2f} dB"
        entries.append(Entry((-gain, -after), f"{key}  gain {gain:.2f} dB", body))
    return sorted(entries, key=lambda entry: entry.badness, reverse=True)
