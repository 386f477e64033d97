"""wav2vec 2.0 and its relatives: padding, lengths, layers, what learns."""

import pytest
import torch
from espnet2.legacy.nets.pytorch_backend.transformer.subsampling import TooShortUttError
from tiny_backbones import WAV2VEC2, XLSR

from espnet_soups.backbone.wav2vec2 import Wav2Vec2Encoder
from espnet_soups.gradients.layers import find_layers, select_parameters, shared_parameters

ARCHITECTURES = {
    "xls-r": {**WAV2VEC2, **XLSR},
    "base": WAV2VEC2,  # group norm over time
    "hubert": {**WAV2VEC2, "model_type": "hubert"},
    "wavlm": {**WAV2VEC2, "model_type": "wavlm"},
}


def build(name, **options):
    torch.manual_seed(0)
    encoder = Wav2Vec2Encoder(1, architecture=ARCHITECTURES[name], **options)
    return encoder.double().eval()


def speech(*lengths, seed=0):
    generator = torch.Generator().manual_seed(seed)
    samples = torch.randn(len(lengths), max(lengths), generator=generator, dtype=torch.float64)
    return 3 + samples, torch.tensor(lengths)


@pytest.mark.filterwarnings("ignore:Support for mismatched key_padding_mask")  # WavLM's own
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_an_utterance_is_encoded_alike_in_any_batch_whatever_its_padding_holds(name):
    encoder = build(name)
    samples, lengths = speech(2000, 1234, 950)
    together, frames, _ = encoder(samples, lengths)
    assert frames.tolist() == [(((n - 10) // 5 + 1 - 3) // 4 + 1 - 3) // 4 + 1 for n in lengths]
    assert together.shape == (3, frames[0], 16)
    for row, length in enumerate(lengths.tolist()):
        alone, count, _ = encoder(samples[row : row + 1, :length], lengths[row : row + 1])
        assert count[0] == frames[row]
        torch.testing.assert_close(together[row, : frames[row]], alone[0], rtol=1e-9, atol=1e-9)


@pytest.mark.filterwarnings("ignore:Support for mismatched key_padding_mask")  # WavLM's own
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_one_utterance_gets_what_transformers_itself_gives_it(name):
    import transformers

    encoder = build(name)
    samples, lengths = speech(1500)
    torch.manual_seed(0)
    config = encoder.model.config
    reference = transformers.AutoModel.from_config(config).double().eval()
    reference.load_state_dict(encoder.model.state_dict())
    extractor = transformers.Wav2Vec2FeatureExtractor(do_normalize=True)
    values = extractor(samples[0].numpy(), sampling_rate=16000, return_tensors="pt").input_values
    expected = reference(values.double()).last_hidden_state
    # the extractor works in float32
    torch.testing.assert_close(encoder(samples, lengths)[0], expected, rtol=1e-4, atol=1e-5)


def test_too_short_speech_is_told_with_the_least_number_of_samples():
    encoder = build("base")
    with pytest.raises(TooShortUttError) as refusal:
        encoder(*speech(1000, 59))
    shortest = refusal.value.limit
    assert encoder(*speech(shortest))[1].tolist() == [1]
    with pytest.raises(TooShortUttError):
        encoder(*speech(shortest - 1))


def test_layers_are_known_by_name_and_frozen_ones_are_not_measured():
    def measured(**options):
        model = torch.nn.Module()
        model.encoder = build("xls-r", **options)
        return model, shared_parameters(model, ["encoder"])

    model, everything = measured()
    names = [layer.name for layer in find_layers(everything)]
    assert names == [f"encoder.model.encoder.layers.{number}" for number in range(3)]
    assert len(select_parameters(model, ["encoder"], [names[2]])) == 16
    _, without = measured(freeze="feature_extractor")
    frozen = set(everything) - set(without)
    assert frozen == {name for name in everything if ".feature_extractor." in name}
    model, top = measured(trained_layers=2)
    assert [layer.name for layer in find_layers(top)] == names[1:]
    assert {name.rsplit(".", 1)[0] for name in top if ".layers." not in name} == {
        "encoder.model.encoder.layer_norm"
    }
    with pytest.raises(
        ValueError, match=r"layers\.0'.*hold some: .*encoder\.model\.encoder\.layer"
    ):
        select_parameters(model, ["encoder"], [names[0]])


def test_frozen_layers_stay_and_others_move():
    encoder = build("base", trained_layers=1).train()
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    optimizer = torch.optim.AdamW(encoder.parameters(), lr=0.1)
    encoder(*speech(1000, 900))[0].pow(3).sum().backward()
    optimizer.step()
    moved = {n for n, value in encoder.state_dict().items() if not torch.equal(value, before[n])}
    assert len(moved) > 10
    assert all(name.startswith("model.encoder.layers.2.") for name in moved)


def test_masks_of_training_leave_out_batches_that_are_shorter_than_a_span():
    architecture = {**WAV2VEC2, "mask_time_prob": 0.5, "mask_time_length": 5}
    encoder = Wav2Vec2Encoder(1, architecture=architecture).double()
    short, long = speech(330), speech(2000)
    plain = [encoder.eval()(*batch)[0] for batch in (short, long)]
    masked = [encoder.train()(*batch)[0] for batch in (short, long)]
    assert plain[0].size(1) <= 5
    assert torch.equal(masked[0], plain[0])
    assert not torch.equal(masked[1], plain[1])
    masked[0].sum().backward()
    assert encoder.model.masked_spec_embed.grad is not None  # what DDP asks for


def test_a_pretrained_model_is_rebuilt_without_its_folder(wav2vec2_folder):
    conf = {"model": str(wav2vec2_folder), "freeze": "feature_extractor"}
    encoder = Wav2Vec2Encoder(1, **conf)
    assert encoder.normalize_waveform is False  # as its preprocessor says
    assert encoder.model.config.layerdrop == 0.0
    portable = Wav2Vec2Encoder.portable(conf)
    assert portable["normalize_waveform"] is False
    del portable["model"]
    again = Wav2Vec2Encoder(1, **portable)
    again.load_state_dict(encoder.state_dict())
    outputs = [model.double().eval()(*speech(900))[0] for model in (encoder, again)]
    assert torch.equal(*outputs)


@pytest.mark.parametrize(
    ("size", "options", "said"),
    [
        (80, {}, "reads samples, but gets features of dimension 80: use `feats_type: raw`"),
        (1, {"freeze": "most"}, r"`freeze` must be one of \['none', 'feature_extractor'\].*'most'"),
        (1, {"trained_layers": 4}, r"`trained_layers` must lie in \[0, 3\].*got 4"),
        (1, {"architecture": {**WAV2VEC2, "add_adapter": True}}, "add_adapter"),
    ],
)
def test_settings_that_cannot_work_are_refused(size, options, said):
    with pytest.raises(ValueError, match=said):
        Wav2Vec2Encoder(size, **{"architecture": WAV2VEC2, **options})
