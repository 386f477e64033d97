"""Make a noisy version of a set: noisy audio in `wav.scp`, clean audio in `clean.scp`."""

import logging
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from espnet_soups.data.audio import write_flac
from espnet_soups.data.data_dir import NO_LABEL, DataDir, write_data_dir
from espnet_soups.data.mixture import BABBLE, Mixture, draw_mixture, mix
from espnet_soups.data.noise_signals import GENERATED
from espnet_soups.data.worker_pool import worker_pool

CLEAN = "clean.scp"
GENERATE = "generated"
CHUNK = 32  # utterances of one job
ENDINGS = (".flac", ".mp3", ".ogg", ".opus", ".wav")
SNR, NOISE, ROOM = "utt2snr", "utt2noise", "utt2rt60"


@dataclass(frozen=True)
class NoiseConfig:
    """Settings of the noise of a set.

    Attributes:
        noises: `generated`, or a folder of recordings of noise.
        snr: Range of signal-to-noise ratios, dB.
        rooms: Range of reverberation times (RT60), seconds; None: no rooms.
        seed: Seed that, with the utterance id, decides all that is drawn.
    """

    noises: str = GENERATE
    snr: tuple[float, float] = (0.0, 20.0)
    rooms: tuple[float, float] | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse ranges that are not valid.

        Raises:
            ValueError: If a range is not valid.
        """
        if not -50.0 <= self.snr[0] <= self.snr[1] <= 100.0:
            raise ValueError(
                f"`--snr` must be two numbers of dB, the smaller first, but got {self.snr}."
            )
        if self.rooms is not None and not 0.0 < self.rooms[0] <= self.rooms[1] <= 10.0:
            raise ValueError(
                "`--rooms` must be two numbers of seconds up to 10, the smaller first, but got"
                f" {self.rooms}."
            )


@dataclass(frozen=True)
class Written:
    """Files of the two versions of an utterance, and how it was changed; see `Mixed`."""

    noisy: str
    clean: str
    softer: bool
    silent: bool


@dataclass(frozen=True)
class NoiseReport:
    """Result of making a set noisy.

    Attributes:
        noises: Number of utterances by kind of noise; for a folder of the user's, by its first
            level.
        softer: Number of utterances that were made softer, so that none is clipped.
        silent: Number of utterances without any sound, to which no noise was added.
    """

    noises: Counter[str]
    softer: int
    silent: int


def add_noise(
    data: DataDir, target: Path, folder: Path, config: NoiseConfig, jobs: int = 1
) -> NoiseReport:
    """Write a noisy version of a set.

    Args:
        data: The set.
        target: Folder of the new set.
        folder: Folder of its audio; old audio in it is removed.
        config: The settings.
        jobs: Number of processes.

    Returns:
        Numbers of utterances by noise.

    Raises:
        OSError: If audio is missing, or the folder of noises does not exist.
        ValueError: If audio cannot be read, the set has clean audio already, or `target` is the set
            itself.
    """
    if target.resolve() == data.path.resolve():
        raise ValueError(f"`--target` must be another folder than the set itself, {data.path}.")
    if (data.path / CLEAN).is_file():
        raise ValueError(
            f"{data.path} has {CLEAN}, so it is noisy already: leave `--noise` empty, or take"
            f" {CLEAN} away."
        )
    mixtures = draw_mixtures(data, config)
    for left_over in folder.glob("[0-9]*/*.flac"):  # left by an earlier set
        left_over.unlink()
    written = _write_audio(mixtures, folder, jobs)
    names = {item.key: _name_of(item, config) for item in mixtures}
    _write_tables(data, target, mixtures, names, written)
    return NoiseReport(
        Counter(Path(name).parts[0] for name in names.values()),
        softer=sum(item.softer for item in written.values()),
        silent=sum(item.silent for item in written.values()),
    )


def draw_mixtures(data: DataDir, config: NoiseConfig) -> list[Mixture]:
    """Draw the noise of every utterance, in the order of their ids.

    Args:
        data: The set.
        config: The settings.

    Raises:
        OSError: If the folder of noises does not exist.
        ValueError: If it holds no audio.
    """
    generated = config.noises == GENERATE
    names = [*GENERATED, BABBLE] if generated else []
    own = dict.fromkeys(data.audio.values())  # a babble has no voice twice
    files = list(own) if generated else find_noises(Path(config.noises))
    return [
        draw_mixture(key, data.audio[key], names, files, config.snr, config.rooms, config.seed)
        for key in sorted(data.audio)
    ]


def find_noises(folder: Path) -> list[str]:
    """Return all audio files below a folder, in the order of their names.

    Args:
        folder: The folder.

    Raises:
        FileNotFoundError: If there is no such folder.
        ValueError: If it holds no audio.
    """
    if not folder.is_dir():
        raise FileNotFoundError(
            f"There is no folder {folder}: noises must be {GENERATE}, or a folder of recordings."
        )
    found = sorted(str(path) for path in folder.rglob("*") if path.suffix.lower() in ENDINGS)
    if not found:
        raise ValueError(f"{folder} holds no audio ({', '.join(ENDINGS)}) to take noise from.")
    return found


def _name_of(mixture: Mixture, config: NoiseConfig) -> str:
    """Return the name of a noise in tables: for a recording, its place in the folder."""
    if config.noises == GENERATE:
        return mixture.noise
    return str(Path(mixture.noise).relative_to(config.noises).with_suffix(""))


def _write_audio(mixtures: Sequence[Mixture], folder: Path, jobs: int) -> dict[str, Written]:
    chunks = [mixtures[start : start + CHUNK] for start in range(0, len(mixtures), CHUNK)]
    written: dict[str, Written] = {}
    with worker_pool(jobs, len(chunks)) as executor:
        try:
            futures = [
                executor.submit(_write_chunk, chunk, folder / f"{number:05d}")
                for number, chunk in enumerate(chunks, start=1)
            ]
            for number, future in enumerate(futures, start=1):
                written |= future.result()
                if number % 20 == 0 or number == len(chunks):
                    logging.info(f"{folder}: {len(written)}/{len(mixtures)}")
        except BaseException:
            executor.shutdown(cancel_futures=True)  # an error need not wait for the other jobs
            raise
    return written


def _write_chunk(chunk: Sequence[Mixture], folder: Path) -> dict[str, Written]:
    """Write some utterances as FLAC; files are named by number, since an id may be a path."""
    folder.mkdir(parents=True, exist_ok=True)
    written = {}
    for position, mixture in enumerate(chunk, start=1):
        try:
            mixed = mix(mixture)
        except ValueError as error:
            raise ValueError(f"{mixture.key}: {error}") from error
        noisy, clean = folder / f"{position:02d}.flac", Path(mixture.audio)
        write_flac(noisy, mixed.noisy, mixed.fs)
        if mixed.changed:
            clean = folder / f"{position:02d}_clean.flac"
            write_flac(clean, mixed.clean, mixed.fs)
        written[mixture.key] = Written(str(noisy), str(clean), mixed.softer, mixed.silent)
    return written


def _write_tables(
    data: DataDir,
    target: Path,
    mixtures: Sequence[Mixture],
    names: Mapping[str, str],
    written: Mapping[str, Written],
) -> None:
    target.mkdir(parents=True, exist_ok=True)
    silent = {key for key, item in written.items() if item.silent}
    tables = {
        SNR: {item.key: f"{item.snr:g}" for item in mixtures},
        NOISE: dict(names),
        ROOM: {item.key: f"{item.rt60:g}" for item in mixtures if item.rt60 is not None},
    }
    tables[SNR] |= dict.fromkeys(silent, NO_LABEL)
    noisy = replace(
        data,
        path=target,
        audio={key: item.noisy for key, item in written.items()},
        labels={**data.labels, **{name: table for name, table in tables.items() if table}},
        audio_labels={CLEAN: {key: item.clean for key, item in written.items()}},
    )
    for file in sorted(data.path.iterdir()):  # such as trials, which apply to both versions
        if file.is_file() and file.suffix != ".scp" and not file.name.startswith("."):
            shutil.copyfile(file, target / file.name)
    write_data_dir(noisy)
