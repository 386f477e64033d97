"""Long recordings are cut where nobody speaks, and nothing that is said is lost."""

from itertools import pairwise

import numpy as np
import pytest

from espnet_soups.data.silences import cut_at_silences, is_silent

RATE = 8000


def speech(seconds: float, seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=int(seconds * RATE))
    return np.asarray(0.1 * noise, dtype=np.float32)


def test_a_short_recording_is_one_piece_with_its_pauses():
    samples = np.concatenate([speech(2), np.zeros(2 * RATE, np.float32), speech(2)])
    assert cut_at_silences(samples, RATE, 6.0) == [(0, 6 * RATE)]


def test_a_long_one_is_cut_at_its_pauses_and_keeps_a_margin():
    pause = np.zeros(RATE, np.float32)
    samples = np.concatenate([pause, speech(3), pause, speech(4), pause])
    pieces = cut_at_silences(samples, RATE, 5.0)
    assert len(pieces) == 2
    for (first, behind), (start, end) in zip(pieces, [(1, 4), (5, 9)], strict=True):
        assert start - 0.2 < first / RATE <= start
        assert end <= behind / RATE < end + 0.2


def test_short_pauses_inside_a_sentence_do_not_cut_it():
    pause = np.zeros(int(0.3 * RATE), np.float32)
    samples = np.concatenate(
        [speech(2), pause, speech(2), np.zeros(2 * RATE, np.float32), speech(1)]
    )
    assert len(cut_at_silences(samples, RATE, 5.0)) == 2


@pytest.mark.parametrize("seconds", [10.1, 20.0, 47.0])
def test_speech_without_pauses_is_cut_at_quiet_moments_into_parts_of_similar_length(seconds: float):
    samples = speech(seconds)
    quiet = range(2, int(seconds), 2)  # a moment of 60 ms, 20 dB down
    for second in quiet:
        samples[second * RATE : second * RATE + 480] *= 0.1
    pieces = cut_at_silences(samples, RATE, 10.0)
    assert pieces[0][0] == 0
    assert pieces[-1][1] == len(samples)
    assert all(left[1] == right[0] for left, right in pairwise(pieces))
    lengths = [(behind - first) / RATE for first, behind in pieces]
    assert max(lengths) <= 10.0
    assert min(lengths) > 2.5
    cuts = [behind / RATE for _, behind in pieces[:-1]]
    assert all(min(abs(cut - second - 0.03) for second in quiet) < 0.04 for cut in cuts)


@pytest.mark.parametrize(("size", "silent"), [(0.0, True), (9e-4, True), (2e-3, False)])
def test_a_recording_below_60_db_is_silent(size: float, silent: bool):
    assert is_silent(np.full(100, -size, np.float32)) is silent
