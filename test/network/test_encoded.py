"""Languages are encoded at once or apart, whichever costs less."""

import pytest
import torch

from espnet_soups.network.batch import Batch
from espnet_soups.network.encoded import encodes_at_once
from espnet_soups.testing.toy_model import make_toy_batch, make_toy_model

ROWS = {0: [0, 1], 1: [2, 3]}


def batch_of(*lengths):
    """Two utterances of each of two languages."""
    frames = torch.tensor(lengths)
    return Batch(torch.zeros(4, int(frames.max()), 1), frames, (0, 0, 1, 1), {}, {})


def at_once(encoding, batch, measured=False, encoder=None):
    return encodes_at_once(encoding, batch, ROWS, encoder or torch.nn.Identity(), measured)


@pytest.mark.parametrize("measured", [True, False])
def test_what_is_asked_for_is_done(measured):
    assert at_once("pooled", batch_of(9, 9, 1, 1), measured)
    assert not at_once("per_language", batch_of(9, 9, 9, 9), measured)


def test_auto_keeps_languages_apart_where_they_are_measured():
    assert at_once("auto", batch_of(9, 9, 9, 9))
    assert not at_once("auto", batch_of(9, 9, 9, 9), measured=True)


def test_auto_keeps_languages_apart_where_padding_would_grow():
    # 4 * 100 frames at once against 2 * 100 + 2 * 85 apart: 8 % more; with 75: 14 % more
    assert at_once("auto", batch_of(100, 1, 85, 85))
    assert not at_once("auto", batch_of(100, 1, 75, 75))


def test_auto_shows_batchnorm_all_languages_even_where_they_are_measured():
    encoder = torch.nn.Sequential(torch.nn.BatchNorm1d(1))
    assert at_once("auto", batch_of(9, 9, 1, 1), measured=True, encoder=encoder)


def test_auto_of_a_soup_encodes_the_measured_steps_by_language():
    """Of four steps the last is measured, in halves; the calls of the encoder tell them apart."""
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
    assert calls == [1, 0, 1, 0, 1, 0, 1, 1, 1, 1, 1, 1, 0]


def test_losses_for_procedures_of_ones_own_are_encoded_by_language():
    """Whoever asks for them takes gradients of single objectives."""
    model, calls = make_toy_model().train(), []
    model.encoder.register_forward_hook(lambda *_: calls.append(1))
    model.objective_losses(**make_toy_batch())
    assert len(calls) == 3
