"""Reading audio files, with errors that name the file."""

import io
from pathlib import Path

import numpy as np
import soundfile
import soxr

from espnet_soups.data.table import whole_file

WAY_OUT = "replace it, or take the utterance out of all files of its folder"


def read_audio(path: str | Path, fs: int, resample: bool = False) -> np.ndarray:
    """Reads one channel of an audio file (FLAC, MP3, OGG, WAV, ...).

    Args:
        path: The file.
        fs: Sampling rate that is wanted, Hz.
        resample: Whether another rate is resampled; if not, it is an error.

    Returns:
        Samples in [-1, 1], float32, [samples]; several channels are averaged.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not readable, empty, or has another sampling rate.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"Audio file {path} does not exist.")
    try:
        samples, rate = soundfile.read(str(path), dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        reason = error.error_string.rstrip(".")
        raise ValueError(f"Audio file {path} cannot be read: {reason}; {WAY_OUT}.") from error
    if len(samples) == 0:
        raise ValueError(f"Audio file {path} has no samples; {WAY_OUT}.")
    mono = samples.mean(axis=1)
    if rate == fs:
        return np.ascontiguousarray(mono)
    if not resample:
        raise ValueError(
            f"Audio file {path} has {rate} Hz, but {fs} Hz are expected (`--fs`); resample it, or"
            " let stage 3 do so with `--resample true`."
        )
    return np.asarray(soxr.resample(mono, rate, fs), dtype=np.float32)


def change_speed(samples: np.ndarray, factor: float) -> np.ndarray:
    """Plays samples `factor` times as fast; pitch and length change, the rate does not.

    Source:
        Ko, Peddinti, Povey and Khudanpur, "Audio augmentation for speech recognition", 2015.
    """
    thousandths = round(1000 * factor)
    return np.asarray(soxr.resample(samples, thousandths, 1000), dtype=np.float32)


def write_flac(path: Path, samples: np.ndarray, fs: int) -> None:
    """Writes 16-bit FLAC; the file appears whole or not at all."""
    encoded = io.BytesIO()  # of a full disk libsndfile says "System error"
    soundfile.write(encoded, samples, fs, format="FLAC", subtype="PCM_16")
    with whole_file(path) as temporary:
        temporary.write_bytes(encoded.getvalue())
