"""Make a noisy version of one utterance: draw its noise, and mix it."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from espnet_soups.data.audio import rate_of, read_audio
from espnet_soups.data.noise_signals import (
    GENERATED,
    Samples,
    early_part,
    reverberate,
    room_response,
)

BABBLE = "babble"
VOICES = 4  # of a babble; a set with fewer other utterances gets no babble
LOUDEST = 0.99  # of full scale: above it both versions are made softer


@dataclass(frozen=True)
class Mixture:
    """Recipe of a noisy utterance, as it was drawn.

    Attributes:
        key: Utterance id.
        audio: Its audio file.
        noise: Name of the noise: a generated one, `babble`, or a file of the user's.
        files: Audio files that the noise is made from; none for a generated one.
        snr: Power of speech to power of noise, dB.
        rt60: Reverberation time of the room, seconds; None: no room.
        seed: Seed of everything that is drawn while mixing.
    """

    key: str
    audio: str
    noise: str
    files: tuple[str, ...]
    snr: float
    rt60: float | None
    seed: int


@dataclass(frozen=True)
class Mixed:
    """A noisy utterance.

    Attributes:
        noisy: Its samples, `(samples,)`.
        clean: Target of its enhancement, `(samples,)`.
        fs: Sampling rate, Hz.
        changed: Whether `clean` differs from the audio file: it is softer, or in a room.
        softer: Whether both were made softer.
        silent: Whether there was no speech, so that no noise was added.
    """

    noisy: NDArray[np.float64]
    clean: NDArray[np.float64]
    fs: int
    changed: bool
    softer: bool
    silent: bool


def generator_of(seed: int, key: str) -> np.random.Generator:
    """Return a generator that depends on the seed and the utterance id alone.

    Args:
        seed: Seed of the set.
        key: Utterance id.
    """
    digest = hashlib.sha256(f"{seed} {key}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "big"))


def draw_mixture(
    key: str,
    audio: str,
    noises: Sequence[str],
    files: Sequence[str],
    snr: tuple[float, float],
    rooms: tuple[float, float] | None,
    seed: int,
) -> Mixture:
    """Draw the noise of an utterance.

    Args:
        key: Utterance id.
        audio: Its audio file.
        noises: Names of noises to choose from; empty: `files` are the noises.
        files: The user's noises, or the files that a babble is made from.
        snr: Range of signal-to-noise ratios, dB.
        rooms: Range of RT60, seconds; None: no rooms.
        seed: Seed of the set.
    """
    generator = generator_of(seed, key)
    choices = [name for name in noises if name != BABBLE or len(files) > VOICES]
    noise = str(generator.choice(choices)) if choices else ""
    chosen: tuple[str, ...] = ()
    if noise == BABBLE:
        drawn = [files[index] for index in generator.choice(len(files), VOICES + 1, replace=False)]
        chosen = tuple([path for path in drawn if path != audio][:VOICES])
    elif not choices:
        noise = files[int(generator.integers(len(files)))]
        chosen = (noise,)
    return Mixture(
        key=key,
        audio=audio,
        noise=noise,
        files=chosen,
        snr=round(float(generator.uniform(*snr)), 2),
        rt60=None if rooms is None else round(float(generator.uniform(*rooms)), 3),
        seed=int(generator.integers(2**62)),
    )


def mix(mixture: Mixture) -> Mixed:
    """Read an utterance and make it noisy.

    The SNR counts all of the speech in the room; the target of enhancement is its early part.

    Args:
        mixture: What was drawn for the utterance.

    Returns:
        The noisy and the clean samples.

    Raises:
        OSError: If a file is missing.
        ValueError: If a file cannot be read.
    """
    generator = np.random.default_rng(mixture.seed)
    fs = rate_of(mixture.audio)
    speech = clean = read_audio(mixture.audio, fs).astype(np.float64)
    if mixture.rt60 is not None:
        response = room_response(mixture.rt60, fs, generator)
        clean = reverberate(speech, early_part(response, fs))
        speech = reverberate(speech, response)
    power = float(np.square(speech).mean())
    noise = _noise(mixture, len(speech), fs, generator)
    loudness = float(np.square(noise).mean())
    scale = np.sqrt(power / max(loudness, 1e-20) / 10.0 ** (mixture.snr / 10.0))
    noisy = speech + scale * noise
    peak = max(float(np.abs(noisy).max()), float(np.abs(clean).max()))
    gain = min(1.0, LOUDEST / peak) if peak > 0.0 else 1.0
    return Mixed(
        noisy=gain * noisy,
        clean=gain * clean,
        fs=fs,
        changed=gain < 1.0 or mixture.rt60 is not None,
        softer=gain < 1.0,
        silent=power == 0.0,
    )


def _noise(mixture: Mixture, size: int, fs: int, generator: np.random.Generator) -> Samples:
    if not mixture.files:
        return GENERATED[mixture.noise](size, fs, generator)
    total = np.zeros(size)
    for path in mixture.files:
        samples = _cut(read_audio(path, fs, resample=True).astype(np.float64), size, generator)
        total += samples / max(float(np.sqrt(np.square(samples).mean())), 1e-10)
    return total


def _cut(samples: Samples, size: int, generator: np.random.Generator) -> Samples:
    """Return a part of samples from a random position on; a short recording is repeated."""
    start = int(generator.integers(len(samples)))
    if len(samples) > size:
        start = int(generator.integers(len(samples) - size + 1))
        return samples[start : start + size]
    return np.resize(np.roll(samples, -start), size)
