"""Write the features (fbank) or the audio (raw) of many recordings, in parallel."""

import io
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field, replace
from pathlib import Path

import kaldiio
import numpy as np
import soundfile

from espnet_soups.data.audio import (
    WAY_OUT,
    bring_to_rate,
    change_speed,
    rate_of,
    read_at_own_rate,
    write_flac,
)
from espnet_soups.data.audio_digest import digest_audio
from espnet_soups.data.data_dir import NO_LABEL
from espnet_soups.data.features import FeatureConfig, extract_features, fill_frame
from espnet_soups.data.place import read_place
from espnet_soups.data.worker_pool import worker_pool
from espnet_soups.files import whole_file

CHUNK = 32  # recordings of one job


@dataclass(frozen=True)
class Recording:
    """Utterance to write: its id, audio file, and the speed at which to play it."""

    key: str
    audio: str
    speed: float = 1.0


@dataclass(frozen=True)
class Output:
    """Folder that jobs write to.

    Attributes:
        folder: The folder.
        place: Its final place.
        copies: Whether raw audio is copied; if not, its places are those of the recordings.
    """

    folder: Path
    place: Path
    copies: bool = True


@dataclass(frozen=True)
class Written:
    """Results of writing some recordings, by utterance id.

    Attributes:
        places: Where each recording lies.
        lengths: Its frames or samples.
        digests: Its digest, see `digest_audio`.
        problems: Why the others could not be read.
    """

    places: dict[str, str] = field(default_factory=dict)
    lengths: dict[str, int] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def add(self, other: "Written") -> None:
        """Add the results of another job.

        Args:
            other: The results.
        """
        self.places.update(other.places)
        self.lengths.update(other.lengths)
        self.digests.update(other.digests)
        self.problems.extend(other.problems)


def write_recordings(
    recordings: Sequence[Recording],
    output: Output,
    config: FeatureConfig,
    jobs: int,
    resample: bool,
) -> Written:
    """Write recordings, and return the place, length and digest of each.

    Args:
        recordings: The recordings.
        output: The folder.
        config: Settings of the features, and the sampling rate.
        jobs: Number of processes.
        resample: Whether to resample audio of another rate.

    Raises:
        OSError: If the disk is full.
        ValueError: If audio cannot be read; the message names the file and how many more there
            are.
    """
    output.folder.mkdir(parents=True, exist_ok=True)
    chunks = [recordings[start : start + CHUNK] for start in range(0, len(recordings), CHUNK)]
    written = Written()
    with worker_pool(jobs, len(chunks)) as executor:
        try:
            futures = _submit(executor, chunks, output, config, resample)
            for number, future in enumerate(futures, start=1):
                written.add(future.result())
                if number % 20 == 0 or number == len(chunks):
                    done = min(number * CHUNK, len(recordings))
                    logging.info(f"{output.place}: {done}/{len(recordings)}")
        except BaseException:
            executor.shutdown(cancel_futures=True)  # an error need not wait for the other jobs
            raise
    if problems := written.problems:
        more = [problem.partition(":")[0] for problem in problems[1:4]]
        raise ValueError(
            f"{problems[0]} ({len(problems)} of {len(recordings)} files cannot be"
            f" used{', next ' + ', '.join(more) if more else ''})"
        )
    return written


def write_absent(output: Output, config: FeatureConfig) -> str:
    """Write an audio of one frame or sample that is NaN, and return its place.

    Args:
        output: The folder.
        config: Settings of the features, and the sampling rate.
    """
    if config.type == "raw":
        with whole_file(output.folder / "absent.wav") as temporary:
            # FLAC holds integers, which have no NaN
            soundfile.write(temporary, np.full(1, np.nan), config.fs, "FLOAT", format="WAV")
        return str(output.place / "absent.wav")
    features = {NO_LABEL: np.full((1, config.num_mel_bins * config.stack), np.nan, np.float32)}
    return _write_ark(features, output, "absent.ark")[NO_LABEL]


def _submit(
    executor: Executor,
    chunks: list[Sequence[Recording]],
    output: Output,
    config: FeatureConfig,
    resample: bool,
) -> Iterator[Future[Written]]:
    raw = _write_raw if output.copies else _read_raw
    work = _write_fbank if config.type == "fbank" else raw
    futures = [
        executor.submit(work, chunk, number, output, config, resample)
        for number, chunk in enumerate(chunks, start=1)
    ]
    yield from futures


def _read(
    recording: Recording, config: FeatureConfig, resample: bool, written: Written
) -> np.ndarray:
    """Return the samples of a recording, of raw audio at least one, and note its digest."""
    own, rate = read_at_own_rate(recording.audio)
    samples = bring_to_rate(own, rate, recording.audio, config.fs, resample)
    written.digests[recording.key] = digest_audio(own, rate, recording.speed)
    samples = samples if recording.speed == 1.0 else change_speed(samples, recording.speed)
    if len(samples) == 0 and config.type == "raw":  # of fbank, silence fills a frame
        raise ValueError(
            f"Audio file {recording.audio} is too short: of its {len(own)} samples of {rate} Hz"
            f" none is left at {config.fs} Hz and speed {recording.speed}; {WAY_OUT}"
        )
    return samples


def _write_fbank(
    chunk: Sequence[Recording], number: int, output: Output, config: FeatureConfig, resample: bool
) -> Written:
    """Extract the features of some recordings into one ark."""
    import torch

    torch.set_num_threads(1)
    features: dict[str, np.ndarray] = {}
    written = Written()
    for recording in chunk:
        try:
            samples = fill_frame(_read(recording, config, resample, written), config)
            features[recording.key] = extract_features(samples, config)
        except (OSError, ValueError) as error:
            written.problems.append(f"{recording.key}: {error}")
    written.places.update(_write_ark(features, output, f"feats.{number}.ark"))
    written.lengths.update({key: len(value) for key, value in features.items()})
    return written


def _write_ark(features: Mapping[str, np.ndarray], output: Output, name: str) -> dict[str, str]:
    """Write features into one ark, and return where those of each recording lie."""
    # in memory first: kaldiio's own error on a full disk is not one sentence
    content, table = io.BytesIO(), io.StringIO()
    content.name = str(output.place / name)  # type: ignore[attr-defined] # its name in the table
    kaldiio.save_ark(content, features, scp=table)
    with whole_file(output.folder / name) as temporary:
        temporary.write_bytes(content.getvalue())
    return dict(line.split(" ", 1) for line in table.getvalue().split("\n") if line)


def _write_raw(
    chunk: Sequence[Recording], number: int, output: Output, config: FeatureConfig, resample: bool
) -> Written:
    """Write the audio of some recordings as FLAC, named by number, since an id may be a path."""
    part = Path("audio", f"{number:05d}")
    (output.folder / part).mkdir(parents=True, exist_ok=True)
    written = Written()
    for position, recording in enumerate(chunk, start=1):
        try:
            samples = _read(recording, config, resample, written)
        except (OSError, ValueError) as error:
            written.problems.append(f"{recording.key}: {error}")
            continue
        path = part / f"{position:02d}.flac"
        write_flac(output.folder / path, samples, config.fs)
        written.places[recording.key] = str(output.place / path)
        written.lengths[recording.key] = len(samples)
    return written


def _read_raw(
    chunk: Sequence[Recording], number: int, output: Output, config: FeatureConfig, resample: bool
) -> Written:
    """Read some recordings once, so that training can read them where they lie."""
    written = Written()
    for recording in chunk:
        try:
            samples = _read(recording, config, resample, written)
            place = read_place(recording.audio)
            fs = None if rate_of(recording.audio) == config.fs else config.fs
            if (place.fs, place.speed) != (None, 1.0):
                raise ValueError(
                    f"{recording.audio} has a speed or a rate of its own: write speeds into"
                    " `utt2speed`, and resample with `--resample true`"
                )
        except (OSError, ValueError) as error:
            written.problems.append(f"{recording.key}: {error}")
            continue
        path = os.path.abspath(place.path)  # a copy of the dump lies elsewhere
        moved = replace(place, path=path, fs=fs, speed=recording.speed)
        written.places[recording.key] = str(moved)
        written.lengths[recording.key] = len(samples)
    return written
