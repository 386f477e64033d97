"""Read, resample and write audio files; errors name the file."""

import io
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile
import soxr

from espnet_soups.files import whole_file

LARGEST = 16.0  # samples of floating-point audio lie in [-1, 1]; clipped peaks go a little beyond
WAY_OUT = "replace it, or take the utterance out of all files of its folder"


def read_audio(path: str | Path, fs: int, resample: bool = False) -> np.ndarray:
    """Read one channel of an audio file (FLAC, MP3, OGG, WAV, ...).

    Args:
        path: The file.
        fs: Sampling rate to return, Hz.
        resample: Whether to resample another rate; if not, it is an error.

    Returns:
        Samples in [-1, 1], float32, `(samples,)`; several channels are averaged.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not readable, empty, not finite, of the scale of integers, or has
            another sampling rate.
    """
    samples, rate = read_at_own_rate(path)
    return bring_to_rate(samples, rate, path, fs, resample)


def read_at_own_rate(path: str | Path) -> tuple[np.ndarray, int]:
    """Read one channel of an audio file, and its sampling rate; see `read_audio`.

    Args:
        path: The file.

    Returns:
        (samples in [-1, 1], float32, `(samples,)`; the rate, Hz).

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not readable, empty, not finite, or of the scale of integers.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"Audio file {path} does not exist.")
    return decode_audio(str(path), f"Audio file {path}")


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
    try:
        samples, rate = soundfile.read(source, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        reason = error.error_string.rstrip(".")
        raise ValueError(f"{name} cannot be read: {reason}; {way_out}.") from error
    if len(samples) == 0:
        raise ValueError(f"{name} has no samples; {way_out}.")
    broken = np.flatnonzero(~np.isfinite(samples).all(axis=1))
    if len(broken):
        raise ValueError(
            f"{name} has NaN or infinity in {len(broken):,} of {len(samples):,} samples,"
            f" first at {broken[0] / rate:.3f} s; {way_out}."
        )
    check_scale(samples, name, "write it as 16-bit integers, or divide by 32768")
    return np.ascontiguousarray(samples.mean(axis=1)), rate


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
    return np.asarray(soxr.resample(samples, rate, fs), dtype=np.float32)


def rate_of(path: str) -> int:
    """Return the sampling rate of an audio file, Hz.

    Args:
        path: The file.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not readable.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"Audio file {path} does not exist.")
    try:
        return int(soundfile.info(path).samplerate)
    except soundfile.LibsndfileError as error:
        reason = error.error_string.rstrip(".")
        raise ValueError(f"Audio file {path} cannot be read: {reason}.") from error


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
