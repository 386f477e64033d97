"""Utterances are encoded by language, by length or at once, whichever costs less."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from espnet_soups.network.batch import Batch
from espnet_soups.network.encoded import LEAST_SAVED, encode_rows, group_rows, split_by_length
from espnet_soups.testing.toy_model import make_toy_batch, make_toy_model

ROWS = {0: [0, 1], 1: [2, 3]}


def batch_of(*lengths):
    """Two utterances of each of two languages."""
    frames = torch.tensor(lengths)
    return Batch(torch.zeros(4, int(frames.max()), 1), frames, (0, 0, 1, 1), {}, {})


def groups(encoding, batch, measured=False, encoder=None):
    return group_rows(encoding, batch, ROWS, encoder or torch.nn.Identity(), measured)


@pytest.mark.parametrize("measured", [True, False])
def test_what_is_asked_for_is_done(measured):
    assert groups("pooled", batch_of(9, 9, 1, 1), measured) == [[0, 1, 2, 3]]
    assert groups("per_language", batch_of(9, 9, 9, 9), measured) == [[0, 1], [2, 3]]


def test_auto_keeps_languages_apart_where_they_are_measured():
    assert groups("auto", batch_of(9, 9, 9, 9)) == [[0, 1, 2, 3]]
    assert groups("auto", batch_of(9, 1, 9, 1), measured=True) == [[0, 1], [2, 3]]


def test_auto_parts_short_utterances_from_long_ones_where_that_saves_padding():
    # one cut saves 2 * (100 - 80) of 360 frames, and 2 * (100 - 92) of 384
    assert groups("auto", batch_of(100, 80, 80, 100)) == [[0, 3], [1, 2]]
    assert groups("auto", batch_of(100, 92, 92, 100)) == [[0, 1, 2, 3]]


def test_auto_shows_batchnorm_all_languages_even_where_they_are_measured():
    encoder = torch.nn.Sequential(torch.nn.BatchNorm1d(1))
    found = groups("auto", batch_of(9, 9, 1, 1), measured=True, encoder=encoder)
    assert found == [[0, 1, 2, 3]]


@given(st.lists(st.integers(1, 400), min_size=1, max_size=30))
def test_parts_hold_every_utterance_once_and_save_what_they_must(lengths):
    found = split_by_length(range(len(lengths)), lengths, LEAST_SAVED)
    assert sorted(row for group in found for row in group) == list(range(len(lengths)))

    def area(parts):
        return sum(max(lengths[row] for row in part) * len(part) for part in parts)

    saved = area([range(len(lengths))]) - area(found)
    assert saved >= (len(found) - 1) * LEAST_SAVED * sum(lengths)


@given(st.lists(st.integers(1, 9), min_size=4, max_size=4), st.randoms())
def test_groups_of_any_kind_encode_to_the_same(lengths, random):
    frames = torch.tensor(lengths)
    speech = torch.arange(4 * 9).view(4, 9, 1)[:, : int(frames.max())].float()
    batch = Batch(speech, frames, (0, 0, 1, 1), {}, {})
    order = random.sample(range(4), 4)
    cut = random.randint(1, 3)

    def encode(values, counts):
        counts = (counts + 1) // 2  # subsampling
        return values[:, ::2][:, : int(counts.max())], counts

    apart = encode_rows(batch, ROWS, encode, list(ROWS.values()))
    mixed = encode_rows(batch, ROWS, encode, [order[:cut], order[cut:]])
    for language, rows in ROWS.items():
        ours, theirs = mixed[language], apart[language]
        assert ours.rows == rows
        assert ours.lengths.tolist() == theirs.lengths.tolist()
        assert ours.states.shape == theirs.states.shape
        for place, length in enumerate(ours.lengths.tolist()):
            assert torch.equal(ours.states[place, :length], theirs.states[place, :length])


def test_auto_of_a_soup_encodes_the_measured_steps_by_language():
    """Of four steps the last is measured, in halves; the calls of the encoder tell them apart.

    The others encode the short and the long utterances of the three languages.
    """
    conf = {"soup": "vs", "combiner": "modo", "refresh": 4}
    model = make_toy_model(trainer="msp", trainer_conf=conf).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    model.soup.bind(model, optimizer)
    model.soup.open_epoch(1, 1, 1)
    calls, batch = [], make_toy_batch()
    model.encoder.register_forward_hook(lambda *_: calls.append(1))
    for _ in range(4):
        model(**batch)[0].backward()
        optimizer.step()
        optimizer.zero_grad()
        calls.append(0)
    assert calls == [1, 1, 0] * 3 + [1] * 6 + [0]


def test_losses_for_procedures_of_ones_own_are_encoded_by_language():
    """Whoever asks for them takes gradients of single objectives."""
    model, calls = make_toy_model().train(), []
    model.encoder.register_forward_hook(lambda *_: calls.append(1))
    model.objective_losses(**make_toy_batch())
    assert len(calls) == 3
