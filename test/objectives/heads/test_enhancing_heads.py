"""Heads of enhancement: what they return, and that neighbours in a mini-batch change nothing."""

import math

import pytest
import torch
from espnet2.torch_utils.initialize import initialize

from espnet_soups.losses.si_sdr import si_sdr
from espnet_soups.objectives.decoding.enhancer_decoder import EnhancerDecoder
from espnet_soups.objectives.heads.feature_enhancer import FeatureEnhancer
from espnet_soups.objectives.heads.spread import spread
from espnet_soups.objectives.heads.waveform_enhancer import WaveformEnhancer

FRAMES = torch.tensor([10, 7])


def encoded(seed=0):
    return torch.randn(2, 10, 8, generator=torch.Generator().manual_seed(seed)).double()


def test_a_new_head_lets_all_pass_whatever_the_initialisation():
    head, speech = FeatureEnhancer(8, 6).double(), noise(2, 40, 6)
    initialize(head, "xavier_uniform")
    enhanced = head.enhance(encoded(), FRAMES, speech, torch.tensor([40, 28]))
    assert torch.equal(enhanced, speech)


def noise(*shape, seed=1):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).double()


def waveform_case():
    torch.manual_seed(0)
    head, lengths = WaveformEnhancer(8, n_fft=64, hop_length=16).double(), torch.tensor([1000, 700])
    clean, noisy = noise(2, 1000), noise(2, 1000, seed=2)
    for samples in (clean, noisy):
        samples[1, 700:] = 0.0
    return head, clean, noisy, lengths


def feature_case(deviations=None):
    torch.manual_seed(0)
    head, lengths = FeatureEnhancer(8, 6, deviations).double(), torch.tensor([40, 28])
    torch.nn.init.normal_(head.gains.weight, std=0.3)
    return head, 3.0 * noise(2, 40, 6), 3.0 * noise(2, 40, 6, seed=2), lengths


CASES = [waveform_case, feature_case, lambda: feature_case(torch.full((6,), 2.5))]


@pytest.mark.parametrize("case", CASES)
def test_utterances_of_a_batch_are_enhanced_as_each_by_itself(case):
    head, clean, noisy, lengths = case()
    together = head.enhance(encoded(), FRAMES, noisy, lengths)
    whole = head(encoded(), FRAMES, clean, lengths, noisy, lengths)
    total = count = 0.0
    for row, length in enumerate(lengths.tolist()):
        frames = int(FRAMES[row])
        one = [encoded()[row : row + 1, :frames], FRAMES[row : row + 1]]
        own = noisy[row : row + 1, :length], lengths[row : row + 1]
        alone = head.enhance(*one, *own)
        torch.testing.assert_close(together[row : row + 1, :length], alone)
        loss = head(*one, clean[row : row + 1, :length], own[1], *own)
        total, count = total + loss.total, count + loss.count
    torch.testing.assert_close(whole.total, total)
    assert whole.count == count
    assert whole.utterances == 2


@pytest.mark.parametrize("case", CASES)
def test_the_decoder_returns_arrays_of_the_length_of_the_speech(case):
    head, _, noisy, lengths = case()
    with torch.no_grad():
        found = EnhancerDecoder(head)(encoded(), FRAMES, noisy, lengths)
        expected = head.enhance(encoded(), FRAMES, noisy, lengths)
    for row, ((hypothesis,), length) in enumerate(zip(found, lengths.tolist(), strict=True)):
        assert hypothesis.text == ""
        torch.testing.assert_close(
            torch.from_numpy(hypothesis.array), expected[row, :length].float()
        )


@pytest.mark.parametrize("case", CASES)
def test_clean_speech_of_another_length_is_refused(case):
    head, clean, noisy, lengths = case()
    other = lengths - torch.tensor([0, 1])
    with pytest.raises(ValueError, match=r"must be as long as the noisy speech.*stage 3"):
        head(encoded(), FRAMES, clean, other, noisy, lengths)


def test_features_of_another_width_are_refused():
    head, clean, noisy, lengths = feature_case()
    with pytest.raises(ValueError, match="Clean features have 5 numbers per frame"):
        head(encoded(), FRAMES, clean[..., :5], lengths, noisy, lengths)


def test_the_loss_of_features_is_a_mean_square_per_number_in_deviations():
    head, clean, noisy, lengths = feature_case(torch.full((6,), 2.0))
    torch.nn.init.zeros_(head.gains.weight)
    torch.nn.init.zeros_(head.gains.bias)
    found = head(encoded(), FRAMES, clean, lengths, noisy, lengths)
    expected = sum(
        float(((clean - noisy)[row, :length] / 2.0).square().mean()) * length
        for row, length in enumerate(lengths.tolist())
    )
    assert float(found.total.detach()) == pytest.approx(expected)
    assert float(found.count) == 68
    assert float(found.watched["gain_db"]) == 0.0


def test_features_pass_as_they_are_before_training():
    noisy, lengths = noise(2, 40, 6), torch.tensor([40, 28])
    for deviations in (None, torch.full((6,), 2.5)):
        head = FeatureEnhancer(8, 6, deviations).double()
        assert torch.equal(head.enhance(encoded(), FRAMES, noisy, lengths), noisy)


def test_a_mask_that_lets_all_pass_returns_the_samples():
    head, _, noisy, lengths = waveform_case()
    torch.nn.init.zeros_(head.mask.weight)
    torch.nn.init.constant_(head.mask.bias, 50.0)
    torch.testing.assert_close(head.enhance(encoded(), FRAMES, noisy, lengths), noisy)


@pytest.mark.parametrize("case", [waveform_case, feature_case])
def test_training_gains_what_the_encoder_knows(case):
    head, clean, _, lengths = case()
    noisy = clean + noise(*clean.shape, seed=3)
    if noisy.dim() == 2:
        noisy[1, 700:] = 0.0
    states = encoded().requires_grad_(True)
    optimizer = torch.optim.Adam([states, *head.parameters()], lr=0.05)
    gains = []
    for _ in range(60):
        loss = head(states, FRAMES, clean, lengths, noisy, lengths)
        optimizer.zero_grad()
        (loss.total / loss.count).backward()
        optimizer.step()
        gains.append(float(loss.watched["gain_db"]))
    assert gains[-1] > max(gains[0], 0.2)


def test_encoded_frames_share_the_frames_of_their_utterance_evenly():
    states = torch.arange(6.0).view(2, 3, 1)
    found = spread(states, torch.tensor([3, 2]), torch.tensor([6, 4]), 7)
    assert found[..., 0].tolist() == [[0, 0, 1, 1, 2, 2, 2], [3, 3, 4, 4, 4, 4, 4]]


def test_the_gain_that_is_watched_is_positive_where_the_clean_speech_comes_out():
    head, clean, noisy, lengths = waveform_case()
    head.enhance = lambda *_: 0.9 * clean + 0.1 * noisy
    loss = head(encoded(), FRAMES, clean, lengths, noisy, lengths)
    before = si_sdr(noisy, clean, lengths).mean()
    assert loss.watched["gain_db"].item() == pytest.approx((-loss.total / 2 - before).item())
    assert loss.watched["gain_db"].item() > 10.0
    head, clean, noisy, lengths = feature_case()
    head.enhance = lambda *_: clean
    loss = head(encoded(), FRAMES, clean, lengths, noisy, lengths)
    inside = torch.arange(40) < lengths.unsqueeze(1)
    distances = (noisy - clean).square().mean(dim=-1).sqrt() * 10.0 / math.log(10.0)
    expected = distances[inside].mean().item()
    assert loss.watched["gain_db"].item() == pytest.approx(expected)
