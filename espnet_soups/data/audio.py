"""Read, resample and write audio files; errors name the file."""

import io
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile
import soxr

from espnet_soups.data.place import Place, read_place
from espnet_soups.files import whole_file

LARGEST = 16.0  # samples of floating-point audio lie in [-1, 1]; clipped peaks go a little beyond
OVERSHOOT = 0.5  # seconds that a part may go beyond the end of a recording, as in Kaldi
WAY_OUT = "replace it, or take the utterance out of all files of its folder"


def read_audio(place: str | Path, fs: int, resample: bool = False) -> np.ndarray:
    """Read one channel of an audio file (FLAC, MP3, OGG, WAV, ...), or of a part of one.

    Args:
        place: The file, or a part of one, such as `talk.flac#t=5,9.5` (`data/place.py`).
        fs: Sampling rate to return, Hz.
        resample: Whether to resample another rate; if not, it is an error.

    Returns:
        Samples in [-1, 1], float32, `(samples,)`; several channels are averaged.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not readable, empty, not finite, of the scale of integers, or has
            another sampling rate.
    """
    samples, rate = read_at_own_rate(place)
    return bring_to_rate(samples, rate, place, fs, resample)


def read_at_own_rate(place: str | Path) -> tuple[np.ndarray, int]:
    """Read one channel of an audio file or of a part of one, and its rate; see `read_audio`.

    Args:
        place: The file, or a part of one.

    Returns:
        (samples in [-1, 1], float32, `(samples,)`; the rate, Hz).

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not readable, empty, not finite, or of the scale of integers.
    """
    samples, rate = read_samples(place)
    _check_samples(samples, rate, f"Audio file {place}", WAY_OUT)
    return samples, rate


def read_samples(place: str | Path) -> tuple[np.ndarray, int]:
    """Read audio as its place says, without a look at the samples; see `read_at_own_rate`.

    Args:
        place: The file, or a part of one.

    Returns:
        (samples, float32, `(samples,)`; the rate, Hz).

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not readable, or ends before the part does.
    """
    part, name = read_place(str(place)), f"Audio file {place}"
    if not Path(part.path).is_file():
        raise FileNotFoundError(f"{name} does not exist.")
    samples, rate = _decode(_open(part, name), name, WAY_OUT, part.seconds)
    if part.fs is not None and part.fs != rate:
        samples, rate = resample_audio(samples, rate, part.fs), part.fs
    return samples if part.speed == 1.0 else change_speed(samples, part.speed), rate


def decode_audio(
    source: str | BinaryIO, name: str, way_out: str = WAY_OUT
) -> tuple[np.ndarray, int]:
    """Read one channel of any audio that soundfile reads, and its sampling rate.

    Args:
        source: A path, or a stream that can seek.
        name: How messages name it.
        way_out: What messages tell the user to do.

    Returns:
        (samples in [-1, 1], float32, `(samples,)`, the mean of all channels; the rate, Hz).

    Raises:
        ValueError: If it is not readable, empty, not finite, or of the scale of integers.
    """
    samples, rate = _decode(source, name, way_out)
    _check_samples(samples, rate, name, way_out)
    return samples, rate


def _open(part: Place, name: str) -> str | BinaryIO:
    """Return what soundfile reads: a path, or the bytes of a file inside another one."""
    if part.span is None:
        return part.path
    first, number = part.span
    with open(part.path, "rb") as file:
        file.seek(first)
        content = file.read(number)
    if len(content) < number:
        raise ValueError(f"{name} ends before these bytes do; {WAY_OUT}.")
    return io.BytesIO(content)


def _decode(
    source: str | BinaryIO,
    name: str,
    way_out: str,
    seconds: tuple[float, float | None] | None = None,
) -> tuple[np.ndarray, int]:
    """Return the mean of all channels of audio, or of some seconds of it, and the rate."""
    begin, end = seconds or (0.0, None)
    try:
        with soundfile.SoundFile(source) as file:
            rate, length = file.samplerate, file.frames
            first = round(begin * rate)
            last = length if end is None else round(end * rate)
            if first > length or last > length + OVERSHOOT * rate:
                raise ValueError(
                    f"{name} has {length / rate:.3f} s, which end before this part does; {way_out}."
                )
            if seconds is not None:
                file.seek(first)
            number = -1 if end is None else last - first
            samples = file.read(number, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        reason = error.error_string.rstrip(".")
        raise ValueError(f"{name} cannot be read: {reason}; {way_out}.") from error
    # faster than numpy's mean, which is as exact for one channel
    mean = samples[:, 0] if samples.shape[1] == 1 else samples.mean(axis=1)
    return np.ascontiguousarray(mean), int(rate)


def _check_samples(samples: np.ndarray, rate: int, name: str, way_out: str) -> None:
    if len(samples) == 0:
        raise ValueError(f"{name} has no samples; {way_out}.")
    broken = np.flatnonzero(~np.isfinite(samples))
    if len(broken):
        raise ValueError(
            f"{name} has NaN or infinity in {len(broken):,} of {len(samples):,} samples,"
            f" first at {broken[0] / rate:.3f} s; {way_out}."
        )
    check_scale(samples, name, "write it as 16-bit integers, or divide by 32768")


def bring_to_rate(
    samples: np.ndarray, rate: int, path: str | Path, fs: int, resample: bool
) -> np.ndarray:
    """Return samples at the sampling rate that is expected; see `read_audio`.

    Args:
        samples: The samples, `(samples,)`.
        rate: Their sampling rate, Hz.
        path: The file, for the message.
        fs: The expected rate, Hz.
        resample: Whether to resample another rate.

    Raises:
        ValueError: If the rate differs and `resample` is false.
    """
    if rate == fs:
        return samples
    if not resample:
        raise ValueError(
            f"Audio file {path} has {rate} Hz, but {fs} Hz are expected (`--fs`); resample it, or"
            " let stage 3 do so with `--resample true`."
        )
    return resample_audio(samples, rate, fs)


def resample_audio(samples: np.ndarray, rate: int, fs: int) -> np.ndarray:
    """Return samples at another sampling rate.

    Args:
        samples: The samples, `(samples,)`.
        rate: Their sampling rate, Hz.
        fs: The new one, Hz.
    """
    return np.asarray(soxr.resample(samples, rate, fs), dtype=np.float32)


def rate_of(place: str) -> int:
    """Return the sampling rate of audio, Hz.

    Args:
        place: The file, or a part of one.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not readable.
    """
    part, name = read_place(place), f"Audio file {place}"
    if not Path(part.path).is_file():
        raise FileNotFoundError(f"{name} does not exist.")
    try:
        return part.fs or int(soundfile.info(_open(part, name)).samplerate)
    except soundfile.LibsndfileError as error:
        reason = error.error_string.rstrip(".")
        raise ValueError(f"{name} cannot be read: {reason}.") from error


def check_scale(samples: np.ndarray, name: str, remedy: str) -> None:
    """Refuse floating-point samples of the size of integers, which would be clipped.

    Args:
        samples: Samples of any shape.
        name: How the message names the audio.
        remedy: What the message tells the user to do.

    Raises:
        ValueError: If they reach far beyond [-1, 1].
    """
    largest = float(np.max(np.abs(samples)))
    if largest > LARGEST:
        raise ValueError(
            f"{name} has samples up to {largest:,.0f}, but floating-point audio lies in [-1, 1]:"
            f" {remedy}."
        )


def change_speed(samples: np.ndarray, factor: float) -> np.ndarray:
    """Play samples `factor` times as fast; pitch and length change, the rate does not.

    Args:
        samples: The samples, `(samples,)`.
        factor: 1.1 plays them faster, in 1/1.1 of the time; it is rounded to thousandths.

    Returns:
        The samples, float32, about `(samples / factor,)`.

    Source:
        Ko, Peddinti, Povey and Khudanpur, "Audio augmentation for speech recognition", 2015.
    """
    thousandths = round(1000 * factor)
    return np.asarray(soxr.resample(samples, thousandths, 1000), dtype=np.float32)


def write_flac(path: Path, samples: np.ndarray, fs: int) -> None:
    """Write 16-bit FLAC; the file appears whole or not at all.

    Args:
        path: The file.
        samples: Samples in [-1, 1], `(samples,)`.
        fs: Sampling rate, Hz.

    Raises:
        OSError: If it cannot be written.
    """
    encoded = io.BytesIO()  # on a full disk libsndfile says "System error" alone
    soundfile.write(encoded, samples, fs, format="FLAC", subtype="PCM_16")
    with whole_file(path) as temporary:
        temporary.write_bytes(encoded.getvalue())
