"""What pretrained backbones are made of, as published: plans need no hub."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SAMPLES_PER_SECOND = 16_000
FRAMES_PER_SECOND = 50  # of wav2vec 2.0 and of Whisper: 20 ms
MEL_FRAMES_PER_SECOND = 100


@dataclass(frozen=True)
class Backbone:
    """A pretrained backbone.

    Attributes:
        architecture: What differs from the defaults of transformers' configuration class.
        blocks: Blocks of its encoder.
        width: d.
        inner: f.
        heads: H.
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
    """Return FLOPs of convolutions one above the other for a second of audio, forward.

    Args:
        rate: Frames or samples a second that enter the lowest.
        channels: Of what enters the lowest, and of what each of them gives.
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
    """Return the backbone that a training configuration names; None: its encoder is no such one.

    Raises:
        ValueError: If it is not known here.
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
    """Return the options of `msp_train` that build it with random weights, reading samples."""
    words = ["--feats_conf", "type=raw", "--feats_conf", f"fs={SAMPLES_PER_SECOND}"]
    architecture = json.dumps(dict(backbone.architecture))
    return [
        *words,
        "--encoder_conf",
        "model=null",
        "--encoder_conf",
        f"architecture={architecture}",
    ]
