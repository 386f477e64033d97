"""Write the input of the model, features (fbank) or audio files (raw), for a whole set."""

import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from espnet_soups.data.audio import read_audio
from espnet_soups.data.audio_digest import digest_file
from espnet_soups.data.data_dir import NO_LABEL, DataDir, write_data_dir
from espnet_soups.data.features import FeatureConfig
from espnet_soups.data.segments import read_audio_table
from espnet_soups.data.speed import speed_of
from espnet_soups.data.write_recordings import (
    Output,
    Recording,
    Written,
    write_absent,
    write_recordings,
)
from espnet_soups.files import write_table, write_text

LENGTHS = {"fbank": "utt2num_frames", "raw": "utt2num_samples"}
AUDIO_FILES = {"fbank": "feats.scp", "raw": "wav.scp"}


def look_at_first(path: Path, config: FeatureConfig, resample: bool) -> None:
    """Read the first recording of a data dir, since a wrong sampling rate is usually that of all.

    Args:
        path: Folder of the data dir.
        config: Settings of the features, and the sampling rate.
        resample: Whether audio of another rate may be resampled.

    Raises:
        OSError: If it is missing.
        ValueError: If it cannot be used; the message names it.
    """
    first = next(iter(read_audio_table(path / "wav.scp").values()))
    read_audio(first, config.fs, resample)


def replace_set(
    data: DataDir,
    target: Path,
    config: FeatureConfig,
    jobs: int,
    resample: bool = False,
    copies: bool = True,
) -> float:
    """Write the features or the audio of a set; an old version stays until the new one is whole.

    Args:
        data: The set, with audio in `wav.scp`.
        target: Folder in `dump/`; it gets the tables too.
        config: Settings of the features, and the sampling rate.
        jobs: Number of processes.
        resample: Whether to resample audio of another rate.
        copies: Whether raw audio is copied; if not, the tables name the recordings themselves.

    Returns:
        Seconds of audio.

    Raises:
        OSError: If audio is missing, or the disk is full.
        ValueError: If audio cannot be read.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch_of_set = re.compile(rf"\.{re.escape(target.name)}\.\d+\.new")
    for path in list(target.parent.iterdir()):
        if scratch_of_set.fullmatch(path.name):  # left by a run that was killed
            shutil.rmtree(path, ignore_errors=True)
    scratch = target.with_name(f".{target.name}.{os.getpid()}.new")
    try:
        seconds = dump_set(data, scratch, config, jobs, resample, target, copies)
        shutil.rmtree(target, ignore_errors=True)
        scratch.replace(target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)  # an incomplete one is of no use
    return seconds


def dump_set(
    data: DataDir,
    target: Path,
    config: FeatureConfig,
    jobs: int,
    resample: bool = False,
    place: Path | None = None,
    copies: bool = True,
) -> float:
    """Write the features or the audio of a set; second audio gets the same treatment as the speech.

    Args:
        data: The set, with audio in `wav.scp`.
        target: Folder to write to; it gets the tables too.
        config: Settings of the features, and the sampling rate.
        jobs: Number of processes.
        resample: Whether to resample audio of another rate.
        place: Final place of the folder, for the paths in its tables; None: `target`.
        copies: Whether raw audio is copied; if not, the tables name the recordings themselves.

    Returns:
        Seconds of audio.

    Raises:
        OSError: If audio is missing, or the disk is full.
        ValueError: If audio cannot be read; the message names the file and how many more there
            are.
    """
    place = place or target
    speech = _dump_audio(data, data.audio, Output(target, place, copies), config, jobs, resample)
    write_table(digest_file(target / AUDIO_FILES[config.type]), speech.digests)
    seconds = {}
    for name, table in data.audio_labels.items():  # in folders of their own
        folder = Path(name).stem
        output = Output(target / folder, place / folder, copies)
        second = _dump_second(data, table, output, config, jobs, resample)
        _check_lengths(data.path / name, second.lengths, speech.lengths)
        write_table(digest_file(target / name), second.digests)
        seconds[name] = second.places
    # dumped audio already has its speed
    dumped = replace(data, path=target, audio=speech.places, speeds={}, audio_labels=seconds)
    write_data_dir(dumped, AUDIO_FILES[config.type])
    write_table(target / LENGTHS[config.type], {key: str(n) for key, n in speech.lengths.items()})
    write_text(target / "feats_type", f"{config.type}\n")
    unit = config.frame_seconds if config.type == "fbank" else 1 / config.fs
    return sum(speech.lengths.values()) * unit


def _dump_second(
    data: DataDir,
    audio: Mapping[str, str],
    output: Output,
    config: FeatureConfig,
    jobs: int,
    resample: bool,
) -> Written:
    """Write a second audio of utterances; a file of NaN stands for each that is missing."""
    present = {key: path for key, path in audio.items() if path != NO_LABEL}
    written = _dump_audio(data, present, output, config, jobs, resample)
    absent = audio.keys() - present.keys()
    if absent:
        written.places.update(dict.fromkeys(absent, write_absent(output, config)))
        written.digests.update(dict.fromkeys(absent, NO_LABEL))
    return written


def _check_lengths(path: Path, own: Mapping[str, int], speech: Mapping[str, int]) -> None:
    """Refuse second audio of another length than the speech.

    Raises:
        ValueError: If a length differs; the message names the first utterance.
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
) -> Written:
    """Write one audio of each utterance."""
    recordings = [Recording(key, path, speed_of(data, key)) for key, path in sorted(audio.items())]
    try:
        return write_recordings(recordings, output, config, jobs, resample)
    except ValueError as error:
        raise ValueError(f"{data.path}: {error}") from error
