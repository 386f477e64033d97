"""Writes what the model reads: features (fbank) or audio files (raw) of a whole set."""

import io
import logging
import os
import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace
from pathlib import Path

import kaldiio
import numpy as np
import soundfile

from espnet_soups.data.audio import change_speed, read_audio, write_flac
from espnet_soups.data.data_dir import NO_LABEL, DataDir, write_data_dir
from espnet_soups.data.features import FeatureConfig, extract_features, fill_frame
from espnet_soups.data.speed import speed_of
from espnet_soups.data.worker_pool import worker_pool
from espnet_soups.files import read_table, whole_file, write_table, write_text

CHUNK = 32  # utterances of one job
LENGTHS = {"fbank": "utt2num_frames", "raw": "utt2num_samples"}
AUDIO_FILES = {"fbank": "feats.scp", "raw": "wav.scp"}


@dataclass(frozen=True)
class Utterance:
    """What a job needs to know: id, audio file, and how fast it is played."""

    key: str
    audio: str
    speed: float = 1.0


@dataclass(frozen=True)
class Output:
    """The folder that jobs write to, and where it will lie when all is written."""

    folder: Path
    place: Path


def look_at_first(path: Path, config: FeatureConfig, resample: bool) -> None:
    """Read the first recording of a data dir: most often a rate that does not fit is that of all.

    Raises:
        OSError: If it is missing.
        ValueError: If it cannot be used; the message names it.
    """
    first = next(iter(read_table(path / "wav.scp").values()))
    read_audio(first, config.fs, resample)


def replace_set(
    data: DataDir, target: Path, config: FeatureConfig, jobs: int, resample: bool = False
) -> float:
    """Write the features or the audio of a set; what was there stays until the new is whole.

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
        ValueError: If audio cannot be read.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    for left_over in target.parent.glob(f".{target.name}.*.new"):  # of runs that were killed
        shutil.rmtree(left_over, ignore_errors=True)
    scratch = target.with_name(f".{target.name}.{os.getpid()}.new")
    try:
        seconds = dump_set(data, scratch, config, jobs, resample, target)
        shutil.rmtree(target, ignore_errors=True)
        scratch.replace(target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)  # a half is of no use
    return seconds


def dump_set(
    data: DataDir,
    target: Path,
    config: FeatureConfig,
    jobs: int,
    resample: bool = False,
    place: Path | None = None,
) -> float:
    """Write the features or the audio of a set; a second audio is kept as the speech is.

    Args:
        data: The set, with audio in `wav.scp`.
        target: Folder to write to; it gets the tables too.
        config: How features are made, and the sampling rate.
        jobs: Processes.
        resample: Whether audio of another rate is resampled.
        place: Where the folder will lie in the end, for the paths in its tables; None: `target`.

    Returns:
        Seconds of audio.

    Raises:
        OSError: If audio is missing, or the disk is full.
        ValueError: If audio cannot be read; the message names the file and how many more there
            are.
    """
    place = place or target
    written, lengths = _dump_audio(data, data.audio, Output(target, place), config, jobs, resample)
    seconds = {}
    for name, table in data.audio_labels.items():  # in folders of their own
        folder = Path(name).stem
        output = Output(target / folder, place / folder)
        seconds[name], own = _dump_second(data, table, output, config, jobs, resample)
        _check_lengths(data.path / name, own, lengths)
    # the audio of a dump has its speed already
    dumped = replace(data, path=target, audio=written, speeds={}, audio_labels=seconds)
    write_data_dir(dumped, AUDIO_FILES[config.type])
    write_table(target / LENGTHS[config.type], {key: str(n) for key, n in lengths.items()})
    write_text(target / "feats_type", f"{config.type}\n")
    unit = config.frame_seconds if config.type == "fbank" else 1 / config.fs
    return sum(lengths.values()) * unit


def _dump_second(
    data: DataDir,
    audio: Mapping[str, str],
    output: Output,
    config: FeatureConfig,
    jobs: int,
    resample: bool,
) -> tuple[dict[str, str], dict[str, int]]:
    """Write a second audio of utterances; where there is none, one file of NaN stands for it."""
    present = {key: path for key, path in audio.items() if path != NO_LABEL}
    written, lengths = _dump_audio(data, present, output, config, jobs, resample)
    absent = audio.keys() - present.keys()
    if absent:
        written |= dict.fromkeys(absent, _write_absent(output, config))
    return written, lengths


def _write_absent(output: Output, config: FeatureConfig) -> str:
    """Write an audio of one frame or sample that is NaN, and return where it lies."""
    if config.type == "raw":
        with whole_file(output.folder / "absent.wav") as temporary:
            # FLAC holds integers, and those know no NaN
            soundfile.write(temporary, np.full(1, np.nan), config.fs, "FLOAT", format="WAV")
        return str(output.place / "absent.wav")
    features = {NO_LABEL: np.full((1, config.num_mel_bins * config.stack), np.nan, np.float32)}
    return _write_ark(features, output, "absent.ark")[NO_LABEL]


def _check_lengths(path: Path, own: Mapping[str, int], speech: Mapping[str, int]) -> None:
    """Refuse a second audio of another length than the speech.

    Raises:
        ValueError: If there is some; the message names the first utterance.
    """
    differing = sorted(key for key in own if own[key] != speech[key])
    if differing:
        key = differing[0]
        raise ValueError(
            f"{path}: the audio of {key} has {own[key]} frames or samples, but that of wav.scp"
            f" {speech[key]} ({len(differing)} of {len(own)} utterances differ): both must be the"
            f" same recording; cut them alike, or write `{NO_LABEL}` where there is none."
        )


def _dump_audio(
    data: DataDir,
    audio: Mapping[str, str],
    output: Output,
    config: FeatureConfig,
    jobs: int,
    resample: bool,
) -> tuple[dict[str, str], dict[str, int]]:
    """Write one audio of each utterance, and return where it lies and how long it is."""
    output.folder.mkdir(parents=True, exist_ok=True)
    utterances = [Utterance(key, path, speed_of(data, key)) for key, path in sorted(audio.items())]
    chunks = [utterances[start : start + CHUNK] for start in range(0, len(utterances), CHUNK)]
    lengths: dict[str, int] = {}
    written: dict[str, str] = {}
    problems: list[str] = []
    with worker_pool(jobs) as executor:
        try:
            futures = _submit(executor, chunks, output, config, resample)
            for number, future in enumerate(futures, start=1):
                locations, frames, failed = future.result()
                written |= locations
                lengths |= frames
                problems += failed
                if number % 20 == 0 or number == len(chunks):
                    done = min(number * CHUNK, len(utterances))
                    logging.info(f"{output.place}: {done}/{len(utterances)}")
        except BaseException:
            executor.shutdown(cancel_futures=True)  # what has gone wrong need not wait for all
            raise
    if problems:
        more = [problem.partition(":")[0] for problem in problems[1:4]]
        raise ValueError(
            f"{problems[0]} ({len(problems)} of {len(utterances)} files of {data.path} cannot be"
            f" used{', next ' + ', '.join(more) if more else ''})"
        )
    return written, lengths


def _submit(
    executor: Executor,
    chunks: list[list[Utterance]],
    output: Output,
    config: FeatureConfig,
    resample: bool,
) -> Iterator[Future[tuple[dict[str, str], dict[str, int], list[str]]]]:
    work = _dump_fbank if config.type == "fbank" else _dump_raw
    futures = [
        executor.submit(work, chunk, number, output, config, resample)
        for number, chunk in enumerate(chunks, start=1)
    ]
    yield from futures


def _read(utterance: Utterance, config: FeatureConfig, resample: bool) -> np.ndarray:
    samples = read_audio(utterance.audio, config.fs, resample)
    return samples if utterance.speed == 1.0 else change_speed(samples, utterance.speed)


def _dump_fbank(
    chunk: list[Utterance], number: int, output: Output, config: FeatureConfig, resample: bool
) -> tuple[dict[str, str], dict[str, int], list[str]]:
    """Extracts the features of some utterances into one ark."""
    import torch

    torch.set_num_threads(1)
    features: dict[str, np.ndarray] = {}
    problems = []
    for utterance in chunk:
        try:
            samples = fill_frame(_read(utterance, config, resample), config)
            features[utterance.key] = extract_features(samples, config)
        except (OSError, ValueError) as error:
            problems.append(f"{utterance.key}: {error}")
    locations = _write_ark(features, output, f"feats.{number}.ark")
    return locations, {key: len(value) for key, value in features.items()}, problems


def _write_ark(features: Mapping[str, np.ndarray], output: Output, name: str) -> dict[str, str]:
    """Write features into one ark, and return where those of each utterance lie."""
    # in memory first: a file that is half written says more of a full disk than one sentence
    content, table = io.BytesIO(), io.StringIO()
    content.name = str(output.place / name)  # type: ignore[attr-defined] # what the table calls it
    kaldiio.save_ark(content, features, scp=table)
    with whole_file(output.folder / name) as temporary:
        temporary.write_bytes(content.getvalue())
    return dict(line.split(" ", 1) for line in table.getvalue().splitlines())


def _dump_raw(
    chunk: list[Utterance], number: int, output: Output, config: FeatureConfig, resample: bool
) -> tuple[dict[str, str], dict[str, int], list[str]]:
    """Writes the audio of some utterances as FLAC, in files of numbers: an id may be a path."""
    part = Path("audio", f"{number:05d}")
    (output.folder / part).mkdir(parents=True, exist_ok=True)
    locations, lengths = {}, {}
    problems = []
    for position, utterance in enumerate(chunk, start=1):
        try:
            samples = _read(utterance, config, resample)
        except (OSError, ValueError) as error:
            problems.append(f"{utterance.key}: {error}")
            continue
        path = part / f"{position:02d}.flac"
        write_flac(output.folder / path, samples, config.fs)
        locations[utterance.key] = str(output.place / path)
        lengths[utterance.key] = len(samples)
    return locations, lengths, problems
