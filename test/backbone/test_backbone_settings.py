"""Front ends, rates and self-supervision that do not fit a backbone are refused before any work."""

import pytest
from tiny_backbones import WAV2VEC2, WHISPER

RAW = {"input_size": None, "feats_conf": {"type": "raw", "fs": 16000}}
WAVEFORM = {**RAW, "encoder": "wav2vec2_hf", "frontend": "waveform"}
WAVEFORM["encoder_conf"] = {"architecture": WAV2VEC2}
MEL = {**RAW, "encoder": "whisper_hf", "frontend": "whisper_mel"}
MEL = {**MEL, "frontend_conf": {"n_mels": 8}, "encoder_conf": {"architecture": WHISPER}}


def arguments(**options):
    from espnet_soups.testing.toy_model import make_toy_arguments

    args = make_toy_arguments(**options)
    args.required = []
    return args


@pytest.mark.parametrize("fits", [WAVEFORM, MEL])
def test_what_fits_is_accepted(fits):
    from espnet_soups.task.msp_task import MSPTask

    MSPTask.check_required_command_args(arguments(**fits))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({**WAVEFORM, "input_size": 320}, "wav2vec2_hf` reads samples at 16 kHz, but.*320 from"),
        ({**MEL, "input_size": 320}, r"reads samples.*--feats_type raw`.*frontend: whisper_mel"),
        (
            {**WAVEFORM, "feats_conf": {"type": "raw", "fs": 8000}},
            "16000 Hz, but the data have 8000",
        ),
        ({**MEL, "feats_conf": {"type": "raw", "fs": 8000}}, "--fs 16000 --resample true"),
        ({**WAVEFORM, "frontend": "default"}, "needs `frontend: waveform`, but got.*default"),
        ({**WAVEFORM, "specaug": "specaug"}, "set `specaug: null`"),
        ({**MEL, "normalize": "utterance_mvn"}, "set `normalize: null`, but got.*utterance_mvn"),
        ({**RAW, "frontend": "waveform"}, "gives samples, but `encoder: e_branchformer` reads"),
        (
            {**WAVEFORM, "init": "xavier_uniform", "encoder_conf": {"model": "some/model"}},
            "`init: xavier_uniform` would overwrite the weights of some/model",
        ),
        (
            {**WAVEFORM, "encoder_conf": {"modle": "some/model"}},
            r"`encoder_conf` of wav2vec2_hf has no 'modle' \(closest: 'model'\)",
        ),
        ({**MEL, "asr_decoder": "wisper", "asr_ctc_weight": 0.3}, "whisper_hf.*got 'wisper'"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_to_set(options, said):
    from espnet_soups.task.msp_task import MSPTask

    with pytest.raises(ValueError, match=said):
        MSPTask.check_required_command_args(arguments(**options))


@pytest.mark.parametrize(
    ("kind", "options", "said"),
    [
        ("cpc", WAVEFORM, "`encoder: wav2vec2_hf` reads samples and brings a pre-training of its"),
        ("best_rq", WAVEFORM, "reads samples and brings a pre-training.*`ssl: none`"),
        ("cpc", MEL, "whisper_mel` measures each frame by the loudest.*use `ssl: best_rq`"),
    ],
)
def test_self_supervision_that_cannot_be_is_refused_with_the_reason(kind, options, said):
    from espnet_soups.objectives.self_supervision.build_head import _check_front_end
    from espnet_soups.objectives.self_supervision.config import read_ssl_config

    with pytest.raises(ValueError, match=said):
        _check_front_end(arguments(ssl=kind, **options), read_ssl_config(kind, {}))
