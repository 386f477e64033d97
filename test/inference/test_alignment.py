"""Words in time: the best path against all paths, and against tones whose times are known."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from espnet_soups import Speech2Text
from espnet_soups.inference.alignment import align_tokens, align_words
from espnet_soups.testing.audible_model import FS, LETTER_SECONDS, SILENCE_SECONDS, say
from espnet_soups.testing.toy_corpus import ToyExperiment

FRAMES, CLASSES = 6, 4


def spelled_by(path: tuple[int, ...]) -> list[int]:
    """Return what CTC reads on a path."""
    return [key for key, _ in itertools.groupby(path) if key != 0]


def spans_of(path: tuple[int, ...]) -> list[tuple[int, int]]:
    """Return the frames of each token of a path."""
    spans, at = [], 0
    for token, frames in itertools.groupby(path):
        length = len(list(frames))
        if token != 0:
            spans.append((at, at + length))
        at += length
    return spans


@given(
    seed=st.integers(0, 1000), tokens=st.lists(st.integers(1, CLASSES - 1), min_size=1, max_size=3)
)
def test_tokens_lie_where_the_best_of_all_paths_has_them(seed: int, tokens: list[int]):
    noise = torch.randn(FRAMES, CLASSES, generator=torch.Generator().manual_seed(seed))
    log_probs = (3 * noise).log_softmax(-1)
    paths = [
        path
        for path in itertools.product(range(CLASSES), repeat=FRAMES)
        if spelled_by(path) == tokens
    ]
    best = max(paths, key=lambda path: sum(log_probs[i, k].item() for i, k in enumerate(path)))
    assert align_tokens(log_probs, tokens) == spans_of(best)


def test_more_tokens_than_frames_have_no_times():
    log_probs = torch.zeros(3, CLASSES).log_softmax(-1)
    assert align_tokens(log_probs, [1, 2, 3]) == [(0, 1), (1, 2), (2, 3)]
    assert align_tokens(log_probs, [1, 1, 2]) is None


@pytest.fixture(scope="module")
def speech2text(audible: ToyExperiment) -> Speech2Text:
    return Speech2Text.from_pretrained(audible.exp_dir)


def test_letters_of_tones_lie_where_they_were_played(speech2text: Speech2Text):
    text = "adgbhc"
    samples = say(text, "fr", rate=2 * FS)
    prepared = speech2text.prepare(samples, 2 * FS)
    (result,) = speech2text.decode_batch([prepared], "fr")
    assert result.transcript is not None
    assert result.transcript.text == text
    seconds = len(samples) / (2 * FS)
    words = align_words(speech2text, prepared, "asr_fr", result.transcript, seconds)
    assert words is not None
    assert [word.text for word in words] == list(text)  # the toy corpus has no spaces
    for number, word in enumerate(words):
        middle = SILENCE_SECONDS + (number + 0.5) * LETTER_SECONDS
        assert abs((word.start + word.end) / 2 - middle) < LETTER_SECONDS
    assert all(np.diff([word.start for word in words]) > 0)


def test_an_objective_without_ctc_has_no_times(speech2text: Speech2Text):
    prepared = speech2text.prepare(say("abc", "fr"), FS)
    (result,) = speech2text.decode_batch([prepared], "fr")
    assert align_words(speech2text, prepared, "st_fr_en", result.translations["en"], 0.4) is None
