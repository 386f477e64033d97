"""Compute noises and rooms without recordings."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float64]
Generate = Callable[[int, int, np.random.Generator], Samples]

EARLY_SECONDS = 0.05  # later reflections do not help a listener
MAINS = (50.0, 60.0)  # Hz
HARMONICS = 20


def white(size: int, fs: int, generator: np.random.Generator) -> Samples:
    """Return noise with the same power at all frequencies, `(size,)`.

    Args:
        size: Number of samples.
        fs: Sampling rate, Hz; not used.
        generator: Random generator.
    """
    return generator.standard_normal(size)


def pink(size: int, fs: int, generator: np.random.Generator) -> Samples:
    """Return noise whose power falls by 3 dB per octave, as that of many machines, `(size,)`.

    Args:
        size: Number of samples.
        fs: Sampling rate, Hz; not used.
        generator: Random generator.
    """
    return _shaped(size, generator, 0.5)


def brown(size: int, fs: int, generator: np.random.Generator) -> Samples:
    """Return noise whose power falls by 6 dB per octave, a rumble, `(size,)`.

    Args:
        size: Number of samples.
        fs: Sampling rate, Hz; not used.
        generator: Random generator.
    """
    return _shaped(size, generator, 1.0)


def hum(size: int, fs: int, generator: np.random.Generator) -> Samples:
    """Return the hum of mains: a tone and harmonics of random loudness, with some hiss, `(size,)`.

    Args:
        size: Number of samples.
        fs: Sampling rate, Hz.
        generator: Random generator.
    """
    base = float(generator.choice(MAINS))
    seconds = np.arange(size) / fs
    signal = 0.02 * generator.standard_normal(size)
    for number in range(1, HARMONICS + 1):
        if number * base < fs / 2:
            loudness = generator.uniform(0.2, 1.0) / number
            phase = generator.uniform(0.0, 2.0 * np.pi)
            signal += loudness * np.sin(2.0 * np.pi * number * base * seconds + phase)
    return signal


GENERATED: Mapping[str, Generate] = {"white": white, "pink": pink, "brown": brown, "hum": hum}


def _shaped(size: int, generator: np.random.Generator, exponent: float) -> Samples:
    """Return noise whose amplitude falls with a power of the frequency."""
    spectrum = np.fft.rfft(generator.standard_normal(size))
    bins = np.arange(len(spectrum), dtype=np.float64)
    bins[0] = np.inf  # no constant part
    return np.fft.irfft(spectrum / bins**exponent, size)


def room_response(rt60: float, fs: int, generator: np.random.Generator) -> Samples:
    """Return the response of a room: the direct sound, then noise that decays exponentially.

    Args:
        rt60: Seconds in which reverberation falls by 60 dB.
        fs: Sampling rate, Hz.
        generator: Random generator of the noise and its loudness.

    Returns:
        `(samples,)`; the direct sound is 1 at the first sample, so that nothing is delayed.

    Source:
        Polack's model, as in Lebart, Boucher and Denbigh, "A new method based on spectral
        subtraction for speech dereverberation", 2001.
    """
    size = max(1, round(rt60 * fs))
    decay = np.exp(-3.0 * np.log(10.0) * np.arange(size) / size)
    tail = generator.standard_normal(size) * decay
    tail[0] = 0.0
    power = float(np.square(tail).sum())
    direct_to_reverberant = 10.0 ** (generator.uniform(0.0, 10.0) / 10.0)
    response = tail / np.sqrt(max(power, 1e-12) * direct_to_reverberant)
    response[0] = 1.0
    return response


def early_part(response: Samples, fs: int) -> Samples:
    """Return a response without what comes later than `EARLY_SECONDS`.

    Args:
        response: The response, `(samples,)`.
        fs: Sampling rate, Hz.
    """
    return response[: max(1, round(EARLY_SECONDS * fs))]


def reverberate(samples: Samples, response: Samples) -> Samples:
    """Return samples as they sound in a room, cut to their length.

    Args:
        samples: The samples, `(samples,)`.
        response: Response of the room, `(length,)`.
    """
    size = len(samples) + len(response) - 1
    points = 1 << (size - 1).bit_length()
    spectrum = np.fft.rfft(samples, points) * np.fft.rfft(response, points)
    return np.fft.irfft(spectrum, points)[: len(samples)]
