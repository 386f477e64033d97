"""Describe pretrained backbones from published numbers: plans need no hub."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SAMPLES_PER_SECOND = 16_000
FRAMES_PER_SECOND = 50  # of wav2vec 2.0 and of Whisper: 20 ms
MEL_FRAMES_PER_SECOND = 100


@dataclass(frozen=True)
class Backbone:
    """Pretrained backbone.

    Attributes:
        architecture: Settings that differ from the defaults of transformers' configuration class.
        blocks: Number of blocks of its encoder.
        width: Width d.
        inner: Inner width f.
        heads: Number of attention heads H.
        input_flops: FLOPs of its convolutions for a second of audio, forward.
    """

    architecture: Mapping[str, Any]
    blocks: int
    width: int
    inner: int
    heads: int
    input_flops: float


def convolution_flops(
    rate: float, channels: Sequence[int], kernels: Sequence[int], strides: Sequence[int]
) -> float:
    """Return FLOPs of stacked convolutions for a second of audio, forward.

    Args:
        rate: Frames or samples per second at the input of the lowest.
        channels: Channels of that input, then of the output of each convolution.
        kernels: Width of each.
        strides: Stride of each.

    >>> convolution_flops(100.0, [80, 10, 10], [3, 3], [1, 2])
    510000.0
    """
    flops = 0.0
    layers = zip(channels, channels[1:], kernels, strides, strict=False)
    for below, above, kernel, stride in layers:
        rate /= stride
        flops += 2.0 * rate * below * above * kernel
    return flops


def _wav2vec2(blocks: int, width: int, inner: int, heads: int) -> Backbone:
    architecture = {
        "hidden_size": width,
        "num_hidden_layers": blocks,
        "num_attention_heads": heads,
        "intermediate_size": inner,
        "feat_extract_norm": "layer",
        "do_stable_layer_norm": True,
        "conv_bias": True,
    }
    kernels, strides = [10, 3, 3, 3, 3, 2, 2], [5, 2, 2, 2, 2, 2, 2]
    flops = convolution_flops(SAMPLES_PER_SECOND, [1, *[512] * 7], kernels, strides)
    return Backbone(architecture, blocks, width, inner, heads, flops)


def _whisper(blocks: int, width: int, heads: int) -> Backbone:
    architecture: dict[str, int] = {}
    for part in ("encoder", "decoder"):
        architecture |= {f"{part}_layers": blocks, f"{part}_ffn_dim": 4 * width}
        architecture[f"{part}_attention_heads"] = heads
    flops = convolution_flops(MEL_FRAMES_PER_SECOND, [80, width, width], [3, 3], [1, 2])
    return Backbone({"d_model": width, **architecture}, blocks, width, 4 * width, heads, flops)


BACKBONES: Mapping[str, Backbone] = {
    "facebook/wav2vec2-xls-r-300m": _wav2vec2(24, 1024, 4096, 16),
    "openai/whisper-small": _whisper(12, 768, 12),
    "openai/whisper-medium": _whisper(24, 1024, 16),
}


def find_backbone(config: Mapping[str, Any]) -> Backbone | None:
    """Return the backbone of a training configuration; None: its encoder is not such a backbone.

    Args:
        config: The training configuration.

    Raises:
        ValueError: If it is such a backbone, but not one that is known here.
    """
    if config.get("encoder") not in ("wav2vec2_hf", "whisper_hf"):
        return None
    conf = config.get("encoder_conf") or {}
    name = str(conf.get("model"))
    if name not in BACKBONES or conf.get("architecture") or conf.get("trained_layers"):
        raise ValueError(
            f"The plan knows the backbones {sorted(BACKBONES)}, all layers of them, but the"
            f" configuration has `encoder_conf: {dict(conf)}`: its FLOPs would be guesses."
        )
    if conf.get("freeze") != "feature_extractor":
        raise ValueError("The plan knows backbones with `freeze: feature_extractor` alone.")
    return BACKBONES[name]


def options_without_hub(backbone: Backbone) -> list[str]:
    """Return options of `msp_train` that build a backbone with random weights, reading samples.

    Args:
        backbone: The backbone.
    """
    words = ["--feats_conf", "type=raw", "--feats_conf", f"fs={SAMPLES_PER_SECOND}"]
    architecture = json.dumps(dict(backbone.architecture))
    return [
        *words,
        "--encoder_conf",
        "model=null",
        "--encoder_conf",
        f"architecture={architecture}",
    ]
