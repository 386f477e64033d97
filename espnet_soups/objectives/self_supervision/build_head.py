"""Construction of the head of self-supervision, with checks of front end and encoder."""

import argparse
import logging

import humanfriendly
import torch
from espnet2.asr.encoder.abs_encoder import AbsEncoder
from espnet2.asr.preencoder.abs_preencoder import AbsPreEncoder
from espnet2.legacy.nets.pytorch_backend.transformer.subsampling import TooShortUttError

from espnet_soups.objectives.self_supervision.best_rq_head import BestRQHead
from espnet_soups.objectives.self_supervision.config import BestRQConfig, CPCConfig
from espnet_soups.objectives.self_supervision.cpc_head import CPCHead
from espnet_soups.objectives.self_supervision.head import SSLHead

FRAME_MS = 10.0  # frame shift in `ssl_conf`
TRIAL_FRAMES = 400  # long enough to measure the subsampling of an encoder
# Encoders that read samples, and have their own pre-training.
WAVEFORM_ENCODERS = (
    "wav2vec2",
    "hubert",
    "hubert_pretrain",
    "torchaudiohubert",
    "whisper",
    "wav2vec2_hf",
    "avhubert",
    "beats",
)


def build_ssl_head(
    args: argparse.Namespace,
    config: CPCConfig | BestRQConfig,
    preencoder: AbsPreEncoder | None,
    encoder: AbsEncoder,
    feature_size: int,
) -> SSLHead:
    """Build the head for `ssl` and `ssl_conf`.

    Args:
        args: The options of `msp_train`.
        config: The settings in `ssl_conf`.
        preencoder: ESPnet's pre-encoder, or None.
        encoder: The encoder.
        feature_size: Dimension of the features.

    Returns:
        The head.

    Raises:
        ValueError: If a setting is not valid, or does not fit the frontend or the encoder.
    """
    _check_front_end(args, config)
    milliseconds = feature_frame_ms(args)
    if isinstance(config, CPCConfig):
        context, future, shortest = (
            max(1, round(number * FRAME_MS / milliseconds))
            for number in (config.context_frames, config.future_frames, config.min_context_frames)
        )
        _encoded_frames(preencoder, encoder, shortest, feature_size, "min_context_frames")
        steps = _encoded_frames(preencoder, encoder, future, feature_size, "future_frames")
        logging.info(
            f"CPC: context {context} and future {future} feature frames of {milliseconds:g} ms;"
            f" {steps} encoded frames are predicted"
        )
        return CPCHead(
            encoder.output_size(), feature_size, config, context, future, shortest, steps
        )
    frames = _encoded_frames(preencoder, encoder, TRIAL_FRAMES, feature_size, "mask_frames")
    ratio = max(1, round(TRIAL_FRAMES / frames))
    group = ratio * milliseconds / FRAME_MS  # frames of 10 ms per encoded frame
    if config.target_norm == "none" and args.normalize is None and not args.collect_stats:
        logging.warning(
            "`target_norm: none` without `normalize`: the largest features decide the codes alone."
        )
    return BestRQHead(
        encoder.output_size(),
        feature_size,
        config,
        span=max(1, round(config.mask_frames / group)),
        probability=1.0 - (1.0 - config.mask_prob) ** group,
        ratio=ratio,
    )


def feature_frame_ms(args: argparse.Namespace) -> float:
    """Return the shift of feature frames, ms, from `feats_conf` or from the frontend.

    Args:
        args: The options of `msp_train`.
    """
    if args.input_size is not None:
        return FRAME_MS * int(args.feats_conf.get("stack", 1))
    if args.frontend == "whisper_mel":
        return FRAME_MS
    if args.frontend == "kaldi_fbank":
        return FRAME_MS * int(args.frontend_conf.get("stack", 4))
    fs = args.frontend_conf.get("fs", 16000)
    rate = humanfriendly.parse_size(fs) if isinstance(fs, str) else fs
    return 1000.0 * int(args.frontend_conf.get("hop_length", 128)) / rate


def _check_front_end(args: argparse.Namespace, config: CPCConfig | BestRQConfig) -> None:
    frontend = args.frontend if args.input_size is None else None
    if args.encoder in WAVEFORM_ENCODERS:
        raise ValueError(
            f"`ssl: {args.ssl}` cuts and masks features, but `encoder: {args.encoder}` reads"
            " samples and brings a pre-training of its own: use `ssl: none`."
        )
    if isinstance(config, CPCConfig) and frontend == "whisper_mel":
        raise ValueError(
            "`ssl: cpc` needs a context that knows nothing of its future, but `frontend:"
            " whisper_mel` measures each frame by the loudest of both: use `ssl: best_rq`."
        )
    if frontend not in (None, "default", "kaldi_fbank", "whisper_mel"):
        raise ValueError(
            f"`ssl: {args.ssl}` hides frames of the features, but `frontend: {args.frontend}` mixes"
            " each frame with others, so that what is hidden leaks: use `frontend: default` or"
            " features from disk, or `ssl: none`."
        )
    if isinstance(config, CPCConfig) and args.normalize == "utterance_mvn":
        raise ValueError(
            "`ssl: cpc` needs a context that knows nothing of its future, but `normalize:"
            " utterance_mvn` takes means over both: use `normalize: global_mvn`."
        )


def _encoded_frames(
    preencoder: AbsPreEncoder | None, encoder: AbsEncoder, frames: int, size: int, name: str
) -> int:
    """Encode silence and count its frames.

    Raises:
        ValueError: If it is too short for the encoder.
    """
    feats, lengths = torch.zeros(1, frames, size), torch.tensor([frames])
    training = encoder.training
    encoder.eval()
    try:
        with torch.no_grad():
            if preencoder is not None:
                feats, lengths = preencoder(feats, lengths)
            return int(encoder(feats, lengths)[1][0])
    except TooShortUttError as error:
        raise ValueError(
            f"`{name}` of `ssl_conf` is {frames} feature frames, but the encoder needs more than"
            f" {error.limit}."
        ) from error
    finally:
        encoder.train(training)
