"""Cut a long recording at its silences."""

import math

import numpy as np

HOP, FRAME = 0.01, 0.05  # seconds from frame to frame, and length of a frame
SILENT_DB = 40.0  # below the loudest frame of a recording
PAUSE = 0.5  # seconds of silence that end a piece
MARGIN = 0.1  # seconds of silence that a piece keeps at either end
FAINTEST = 1e-3  # a recording whose samples are all smaller, -60 dB of full scale, is silent


def is_silent(samples: np.ndarray) -> bool:
    """Return whether a recording holds nothing that could be speech.

    Args:
        samples: Samples in [-1, 1], `(samples,)`, at least one.
    """
    return bool(np.max(np.abs(samples)) < FAINTEST)


def cut_at_silences(samples: np.ndarray, rate: int, longest: float) -> list[tuple[int, int]]:
    """Return the pieces of a recording to decode one by one.

    A recording that is not too long is one piece. A longer one is cut at every pause of half a
    second; pieces that are still too long are cut at their quietest moments, into similar lengths.

    Args:
        samples: Samples in [-1, 1], `(samples,)`.
        rate: Their sampling rate, Hz.
        longest: Largest length of a piece, seconds.

    Returns:
        (first sample, sample after the last) of each piece, in order; none overlaps another.
    """
    limit = int(longest * rate)
    if len(samples) <= limit:
        return [(0, len(samples))]
    pieces = []
    for first, behind in _spoken(samples, rate):
        pieces += _cut_at_quietest(samples, first, behind, limit, rate)
    return pieces


def _spoken(samples: np.ndarray, rate: int) -> list[tuple[int, int]]:
    """Return the stretches with speech, with a margin; pauses inside them are short."""
    import librosa

    frame, hop = max(1, round(FRAME * rate)), max(1, round(HOP * rate))
    found = librosa.effects.split(samples, top_db=SILENT_DB, frame_length=frame, hop_length=hop)
    joined: list[list[int]] = []
    for first, behind in found.tolist():
        if joined and first - joined[-1][1] < PAUSE * rate:
            joined[-1][1] = behind
        else:
            joined.append([first, behind])
    margin = int(MARGIN * rate)
    return [(max(0, a - margin), min(len(samples), b + margin)) for a, b in joined]


def _cut_at_quietest(
    samples: np.ndarray, first: int, behind: int, limit: int, rate: int
) -> list[tuple[int, int]]:
    """Cut a stretch of speech into as few parts as the limit allows."""
    parts = []
    while behind - first > limit:
        length = behind - first
        part = length / math.ceil(length / limit)
        begin, end = int(first + 0.75 * part), int(first + min(1.25 * part, limit))
        cut = begin + _quietest(samples[begin:end], rate)
        parts.append((first, cut))
        first = cut
    return [*parts, (first, behind)]


def _quietest(samples: np.ndarray, rate: int) -> int:
    """Return the middle of the frame with the least energy."""
    frame = min(len(samples), max(1, round(FRAME * rate)))
    energy = np.concatenate([[0.0], np.cumsum(np.square(samples, dtype=np.float64))])
    return int(np.argmin(energy[frame:] - energy[:-frame])) + frame // 2
