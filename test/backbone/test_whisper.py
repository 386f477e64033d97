"""Whisper: features, encoder and decoder against transformers itself."""

import pytest
import torch
from espnet2.legacy.nets.pytorch_backend.transformer.subsampling import TooShortUttError
from tiny_backbones import WHISPER

from espnet_soups.backbone.whisper import WhisperEncoder
from espnet_soups.backbone.whisper_decoder import WhisperDecoder
from espnet_soups.backbone.whisper_mel import WhisperMelFrontend
from espnet_soups.gradients.layers import find_layers, shared_parameters


def speech(*lengths, seed=0):
    generator = torch.Generator().manual_seed(seed)
    samples = 0.1 * torch.randn(len(lengths), max(lengths), generator=generator)
    return samples * torch.linspace(1, 0.01, max(lengths)), torch.tensor(lengths)


def build(kind, *sizes, **options):
    torch.manual_seed(0)
    return kind(*sizes, architecture=WHISPER, **options).double().eval()


@pytest.mark.parametrize("n_mels", [8, 80])
def test_features_are_those_of_transformers_without_its_thirty_seconds(n_mels):
    import transformers

    samples, lengths = speech(8000, 5999)
    feats, frames = WhisperMelFrontend(n_mels=n_mels)(samples, lengths)
    assert feats.shape == (2, 50, n_mels)
    assert frames.tolist() == [50, 37]
    extractor = transformers.WhisperFeatureExtractor(feature_size=n_mels)
    for row, length in enumerate(lengths.tolist()):
        values = extractor(samples[row, :length].numpy(), sampling_rate=16000, return_tensors="pt")
        expected = values.input_features[0].T[: frames[row]]
        torch.testing.assert_close(feats[row, : frames[row]], expected, rtol=0, atol=2e-4)
    assert not feats[1, frames[1] :].any()


@pytest.mark.parametrize("length", [1000, 1121, 1279])
def test_features_do_not_depend_on_padding(length):
    frontend = WhisperMelFrontend(n_mels=8).double()
    samples, lengths = speech(4000, length)
    samples[1, : length - 1] *= 1e-5  # so quiet that the loudest number decides
    samples[1, length - 1] = 5.0  # which a window after the last frame can hold
    together, frames = frontend(samples.double(), lengths)
    alone, _ = frontend(samples[1:, :length].double(), lengths[1:])
    torch.testing.assert_close(together[1, : frames[1]], alone[0], rtol=1e-9, atol=1e-9)


def test_an_utterance_is_encoded_alike_in_any_batch():
    encoder = build(WhisperEncoder, 8)
    feats = torch.randn(3, 61, 8, dtype=torch.float64)
    lengths = torch.tensor([61, 40, 13])
    together, frames, _ = encoder(feats, lengths)
    assert frames.tolist() == [31, 20, 7]
    assert together.shape == (3, 31, 16)
    for row, length in enumerate(lengths.tolist()):
        alone, _, _ = encoder(feats[row : row + 1, :length], lengths[row : row + 1])
        torch.testing.assert_close(together[row, : frames[row]], alone[0], rtol=1e-9, atol=1e-9)


def test_speech_of_full_length_gets_what_transformers_gives_it():
    encoder = build(WhisperEncoder, 8)
    feats = torch.randn(2, 100, 8, dtype=torch.float64)
    expected = encoder.model(feats.transpose(1, 2)).last_hidden_state
    found, frames, _ = encoder(feats, torch.tensor([100, 100]))
    assert frames.tolist() == [50, 50]
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)


def test_layers_are_known_by_name_and_convolutions_can_be_frozen():
    model = torch.nn.Module()
    model.encoder = build(WhisperEncoder, 8, freeze="feature_extractor")
    parameters = shared_parameters(model, ["encoder"])
    names = [layer.name for layer in find_layers(parameters)]
    assert names == ["encoder.model.layers.0", "encoder.model.layers.1"]
    assert not any(".conv" in name for name in parameters)
    assert any(name.startswith("encoder.model.layer_norm") for name in parameters)


def test_longer_speech_is_encoded_in_windows_where_nothing_is_trained():
    encoder = build(WhisperEncoder, 8).eval()
    feats = torch.randn(2, 230, 8, dtype=torch.float64)
    with torch.no_grad():
        encoded, frames, _ = encoder(feats, torch.tensor([230, 61]))
        parts = [(feats[:1, at : at + 100], min(100, 230 - at)) for at in (0, 100, 200)]
        parts = [encoder(part, torch.tensor([length]))[0] for part, length in parts]
        short = encoder(feats[1:, :61], torch.tensor([61]))[0]
    assert frames.tolist() == [115, 31]
    assert encoded.shape[:2] == (2, 115)
    assert torch.allclose(encoded[:1], torch.cat(parts, dim=1), atol=1e-9)
    assert torch.allclose(encoded[1:, :31], short, atol=1e-9)


def test_too_long_too_short_and_other_features_are_refused():
    encoder = build(WhisperEncoder, 8).train()
    with pytest.raises(ValueError, match=r"1\.01 s is longer than the 1 s .*--max_wav_duration 1`"):
        encoder(torch.zeros(1, 101, 8, dtype=torch.float64), torch.tensor([101]))
    with pytest.raises(ValueError, match=r"reads 8 log mel numbers per frame, but gets 320: use"):
        WhisperEncoder(320, architecture=WHISPER)
    with pytest.raises(TooShortUttError):
        WhisperMelFrontend()(*speech(4000, 200))
    with pytest.raises(ValueError, match=r"16000 Hz, but the data have 8000 Hz: .*--fs 16000"):
        WhisperMelFrontend(fs=8000)


def test_the_decoder_scores_as_transformers_does_and_leaves_padding_out():
    decoder = build(WhisperDecoder, 11, 16)
    memory = torch.randn(2, 9, 16, dtype=torch.float64)
    tokens = torch.randint(0, 11, (2, 6))
    lengths = torch.tensor([6, 4])
    states = decoder.model(input_ids=tokens, encoder_hidden_states=memory).last_hidden_state
    expected = states @ decoder.model.embed_tokens.weight.T
    logits, _ = decoder(memory, torch.tensor([9, 9]), tokens, lengths)
    torch.testing.assert_close(logits, expected, rtol=1e-9, atol=1e-9)
    padded, _ = decoder(memory, torch.tensor([9, 5]), tokens, lengths)
    alone, _ = decoder(memory[1:, :5], torch.tensor([5]), tokens[1:, :4], lengths[1:])
    torch.testing.assert_close(padded[1, :4], alone[0], rtol=1e-9, atol=1e-9)
    assert (padded[1] - logits[1]).abs().max() > 1e-6


def test_searches_see_the_same_scores_and_end_at_the_last_position():
    decoder = build(WhisperDecoder, 11, 24)  # of another size than the speech
    memory = torch.randn(2, 9, 24, dtype=torch.float64)
    frames = torch.tensor([9, 5])
    tokens = torch.randint(0, 11, (2, 5))
    logits, _ = decoder(memory, frames, tokens, torch.tensor([5, 5]))
    expected = logits[:, -1].log_softmax(dim=-1)
    mask = (torch.arange(9) < frames.unsqueeze(1)).unsqueeze(1)
    scores, _ = decoder.batch_score(tokens, [None, None], memory, xs_mask=mask)
    torch.testing.assert_close(scores, expected, rtol=1e-9, atol=1e-9)
    one, _ = decoder.score(tokens[1], None, memory[1, :5])
    torch.testing.assert_close(one, expected[1], rtol=1e-9, atol=1e-9)
    long = torch.zeros(1, 13, dtype=torch.long)
    assert decoder.batch_score(long, [None], memory[:1])[0].argmax() == 10
    with pytest.raises(ValueError, match="13 tokens is longer than the 12 positions"):
        decoder(memory[:1], frames[:1], long, torch.tensor([13]))
