"""Writes what the model reads: features (fbank) or audio files (raw) of a whole set."""

import io
import logging
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace
from pathlib import Path

import kaldiio
import numpy as np

from espnet_soups.data.audio import change_speed, read_audio, write_flac
from espnet_soups.data.data_dir import DataDir, write_data_dir
from espnet_soups.data.features import FeatureConfig, extract_features
from espnet_soups.data.table import whole_file, write_table, write_text
from espnet_soups.data.worker_pool import worker_pool

CHUNK = 32  # utterances of one job
LENGTHS = {"fbank": "utt2num_frames", "raw": "utt2num_samples"}
AUDIO_FILES = {"fbank": "feats.scp", "raw": "wav.scp"}


@dataclass(frozen=True)
class Utterance:
    """What a job needs to know: id, audio file, and how fast it is played."""

    key: str
    audio: str
    speed: float = 1.0


def perturb_speed(data: DataDir, factors: list[float], path: Path) -> DataDir:
    """Gives a set in which every utterance comes at every speed.

    The audio files stay as they are; `speed` in front of the id tells stage 3 what to do.

    Args:
        data: The set.
        factors: Speeds; 1.0 keeps the id.
        path: Folder of the new set.

    Raises:
        ValueError: If a factor lies outside [0.5, 2] or comes twice.
    """
    if len(set(factors)) != len(factors) or not all(0.5 <= f <= 2.0 for f in factors):
        raise ValueError(
            f"`--speed_perturb_factors` must be different numbers in [0.5, 2], but got {factors}."
        )
    names = {f: "" if f == 1.0 else f"sp{f:g}-" for f in factors}

    def repeat(table: Mapping[str, str], prefix_value: bool = False) -> dict[str, str]:
        return {
            prefix + key: (prefix + value if prefix_value else value)
            for prefix in names.values()
            for key, value in table.items()
        }

    return DataDir(
        path=path,
        audio=repeat(data.audio),
        languages=repeat(data.languages),
        speakers=repeat(data.speakers, prefix_value=True),
        labels={name: repeat(table) for name, table in data.labels.items()},
        groups=repeat(data.groups),  # copies of an utterance are no new evidence: one group
    )


def dump_set(
    data: DataDir, target: Path, config: FeatureConfig, jobs: int, resample: bool = False
) -> float:
    """Writes the features or the audio of a set.

    Args:
        data: The set, with audio in `wav.scp`.
        target: Folder in `dump/`; it gets the tables too.
        config: How features are made, and the sampling rate.
        jobs: Processes.
        resample: Whether audio of another rate is resampled.

    Returns:
        Seconds of audio.

    Raises:
        OSError: If audio is missing, or the disk is full.
        ValueError: If audio cannot be read; the message names the file and how many more there
            are.
    """
    target.mkdir(parents=True, exist_ok=True)
    utterances = [Utterance(key, audio, speed_of(key)) for key, audio in sorted(data.audio.items())]
    chunks = [utterances[start : start + CHUNK] for start in range(0, len(utterances), CHUNK)]
    lengths: dict[str, int] = {}
    written: dict[str, str] = {}
    problems: list[str] = []
    with worker_pool(jobs) as executor:
        try:
            futures = _submit(executor, chunks, target, config, resample)
            for number, future in enumerate(futures, start=1):
                locations, frames, failed = future.result()
                written |= locations
                lengths |= frames
                problems += failed
                if number % 20 == 0 or number == len(chunks):
                    done = min(number * CHUNK, len(utterances))
                    logging.info(f"{target}: {done}/{len(utterances)}")
        except BaseException:
            executor.shutdown(cancel_futures=True)  # what has gone wrong need not wait for all
            raise
    if problems:
        more = [problem.partition(":")[0] for problem in problems[1:4]]
        raise ValueError(
            f"{problems[0]} ({len(problems)} of {len(utterances)} files of {data.path} cannot be"
            f" used{', next ' + ', '.join(more) if more else ''})"
        )
    write_data_dir(replace(data, path=target, audio=written), AUDIO_FILES[config.type])
    write_table(target / LENGTHS[config.type], {key: str(n) for key, n in lengths.items()})
    write_text(target / "feats_type", f"{config.type}\n")
    unit = config.frame_seconds if config.type == "fbank" else 1 / config.fs
    return sum(lengths.values()) * unit


def speed_of(key: str) -> float:
    """Reads the speed from an utterance id: `sp0.9-fr_june-added` -> 0.9."""
    prefix, separator, _ = key.partition("-")
    return float(prefix[2:]) if separator and is_speed_prefix(prefix) else 1.0


def is_speed_prefix(prefix: str) -> bool:
    """Tells whether a prefix was made by `perturb_speed`: `sp0.9` was, `spanish` was not."""
    return prefix.startswith("sp") and prefix[2:].replace(".", "", 1).isdigit()


def _submit(
    executor: Executor,
    chunks: list[list[Utterance]],
    target: Path,
    config: FeatureConfig,
    resample: bool,
) -> Iterator[Future[tuple[dict[str, str], dict[str, int], list[str]]]]:
    work = _dump_fbank if config.type == "fbank" else _dump_raw
    futures = [
        executor.submit(work, chunk, number, target, config, resample)
        for number, chunk in enumerate(chunks, start=1)
    ]
    yield from futures


def _read(utterance: Utterance, config: FeatureConfig, resample: bool) -> np.ndarray:
    samples = read_audio(utterance.audio, config.fs, resample)
    return samples if utterance.speed == 1.0 else change_speed(samples, utterance.speed)


def _dump_fbank(
    chunk: list[Utterance], number: int, target: Path, config: FeatureConfig, resample: bool
) -> tuple[dict[str, str], dict[str, int], list[str]]:
    """Extracts the features of some utterances into one ark."""
    import torch

    torch.set_num_threads(1)
    features: dict[str, np.ndarray] = {}
    problems = []
    for utterance in chunk:
        try:
            features[utterance.key] = extract_features(_read(utterance, config, resample), config)
        except (OSError, ValueError) as error:
            problems.append(f"{utterance.key}: {error}")
    ark = target / f"feats.{number}.ark"
    # in memory first: a file that is half written says more of a full disk than one sentence
    content, table = io.BytesIO(), io.StringIO()
    content.name = str(ark)  # type: ignore[attr-defined] # what the table calls it
    kaldiio.save_ark(content, features, scp=table)
    with whole_file(ark) as temporary:
        temporary.write_bytes(content.getvalue())
    locations = dict(line.split(" ", 1) for line in table.getvalue().splitlines())
    return locations, {key: len(value) for key, value in features.items()}, problems


def _dump_raw(
    chunk: list[Utterance], number: int, target: Path, config: FeatureConfig, resample: bool
) -> tuple[dict[str, str], dict[str, int], list[str]]:
    """Writes the audio of some utterances as FLAC, in files of numbers: an id may be a path."""
    folder = target / "audio" / f"{number:05d}"
    folder.mkdir(parents=True, exist_ok=True)
    locations, lengths = {}, {}
    problems = []
    for position, utterance in enumerate(chunk, start=1):
        try:
            samples = _read(utterance, config, resample)
        except (OSError, ValueError) as error:
            problems.append(f"{utterance.key}: {error}")
            continue
        path = folder / f"{position:02d}.flac"
        write_flac(path, samples, config.fs)
        locations[utterance.key], lengths[utterance.key] = str(path), len(samples)
    return locations, lengths, problems
