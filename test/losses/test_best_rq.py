import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from espnet_soups.losses.best_rq import (
    draw_spans,
    masked_cross_entropy,
    normalise_utterances,
    perplexity,
    stack_frames,
)


@given(st.integers(0, 1000), st.integers(1, 6), st.floats(0.001, 0.9))
def test_masks_are_whole_spans_inside_every_utterance(seed, span, probability):
    lengths = torch.tensor([span + 1, 20, 13])
    generator = torch.Generator().manual_seed(seed)
    masked = draw_spans(lengths, probability, span, generator)
    for row, length in zip(masked.tolist(), lengths.tolist(), strict=True):
        assert not any(row[length:])
        runs = "".join("x" if frame else " " for frame in row).split()
        assert runs
        assert all(len(run) >= span for run in runs)


def test_where_no_span_begins_by_chance_one_begins_anywhere_with_equal_chances():
    generator = torch.Generator().manual_seed(0)
    masked = draw_spans(torch.full((3000,), 7), 0.0, 5, generator)
    assert masked.sum(dim=1).tolist() == [5] * 3000
    begins = masked.long().argmax(dim=1).bincount(minlength=3)
    assert begins.tolist() == pytest.approx([1000] * 3, abs=130)  # 5 standard deviations


def test_the_share_of_masked_frames_follows_the_probability():
    generator = torch.Generator().manual_seed(0)
    masked = draw_spans(torch.full((200,), 500), 0.02, 10, generator)
    expected = 1 - (1 - 0.02) ** 10  # no span begins at the frame or at the nine before it
    assert float(masked.float().mean()) == pytest.approx(expected, abs=0.01)


def test_the_loss_agrees_with_an_independent_reference():
    random = np.random.default_rng(1)
    logits, codes = random.normal(size=(7, 2, 5)), random.integers(0, 5, size=(7, 2))
    total, right = 0.0, 0
    for frame in range(7):
        for book in range(2):
            row, code = logits[frame, book], codes[frame, book]
            total += math.log(sum(math.exp(value) for value in row)) - row[code]
            right += int(row.argmax() == code)
    loss, correct = masked_cross_entropy(torch.tensor(logits), torch.tensor(codes))
    assert float(loss) == pytest.approx(total / 2, abs=1e-6)
    assert float(correct) == right / 2


def test_normalisation_sees_no_padding_and_no_other_utterance():
    random = np.random.default_rng(2)
    feats = random.normal(5.0, [1.0, 100.0], size=(2, 9, 2))
    lengths = [9, 6]
    found = normalise_utterances(torch.tensor(feats), torch.tensor(lengths)).numpy()
    for row, length in enumerate(lengths):
        part = feats[row, :length]
        expected = (part - part.mean(axis=0)) / part.std(axis=0)
        np.testing.assert_allclose(found[row, :length], expected, atol=1e-9)
        assert not found[row, length:].any()


def test_a_feature_that_never_changes_stays_finite():
    assert normalise_utterances(torch.ones(1, 4, 2), torch.tensor([4])).abs().max() == 0


def test_frames_are_stacked_in_their_order_and_a_remainder_is_dropped():
    feats = torch.arange(14.0).view(1, 7, 2)
    assert stack_frames(feats, 3).tolist() == [[list(range(6)), list(range(6, 12))]]


def test_perplexity_counts_codes_in_use():
    assert float(perplexity(torch.zeros(9, 1, dtype=torch.long), 4)) == pytest.approx(1.0)
    both = torch.stack([torch.arange(4), torch.zeros(4, dtype=torch.long)], dim=1)
    assert float(perplexity(both, 4)) == pytest.approx((4 + 1) / 2)
