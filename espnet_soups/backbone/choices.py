"""Choices of frontends, encoders and decoders: ESPnet's and ours."""

from espnet2.asr.decoder.abs_decoder import AbsDecoder
from espnet2.asr.encoder.abs_encoder import AbsEncoder
from espnet2.asr.frontend.abs_frontend import AbsFrontend
from espnet2.tasks import asr
from espnet2.train.class_choices import ClassChoices

from espnet_soups.backbone.kaldi_fbank import KaldiFbankFrontend
from espnet_soups.backbone.wav2vec2 import Wav2Vec2Encoder
from espnet_soups.backbone.waveform import WaveformFrontend
from espnet_soups.backbone.whisper import WhisperEncoder
from espnet_soups.backbone.whisper_decoder import WhisperDecoder
from espnet_soups.backbone.whisper_mel import WhisperMelFrontend

FRONTENDS = {
    "kaldi_fbank": KaldiFbankFrontend,
    "waveform": WaveformFrontend,
    "whisper_mel": WhisperMelFrontend,
}
ENCODERS = {"wav2vec2_hf": Wav2Vec2Encoder, "whisper_hf": WhisperEncoder}
DECODERS = {"whisper_hf": WhisperDecoder}

# ESPnet's own tables stay unchanged: a model that needs ours is no stock model.
frontend_choices = ClassChoices(
    "frontend",
    {**asr.frontend_choices.classes, **FRONTENDS},
    type_check=AbsFrontend,
    default=asr.frontend_choices.default,
)
encoder_choices = ClassChoices(
    "encoder",
    {**asr.encoder_choices.classes, **ENCODERS},
    type_check=AbsEncoder,
    default=asr.encoder_choices.default,
)
decoder_choices = ClassChoices(
    "decoder",
    {**asr.decoder_choices.classes, **DECODERS},
    type_check=AbsDecoder,
    default=asr.decoder_choices.default,
    optional=asr.decoder_choices.optional,
)
