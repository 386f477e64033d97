"""Estimate the FLOPs of a training by arithmetic: forward, backward, and rows of gradients.

Letters: see `shapes`.
"""

from tools.machine_plan.shapes import Audio, Measuring, ModelShape


def encoder_flops(shape: ModelShape, clip_seconds: float) -> float:
    """Return FLOPs of encoding a second of audio, forward.

    A multiplication and an addition for each parameter and frame; in attention T keys for each
    frame: scores and values 2 T d each, relative positions (2 T of them, not in a Transformer) 4 T
    d, in every block. Frozen convolutions are not among them.

    Args:
        shape: The model.
        clip_seconds: Mean length of an utterance.
    """
    frames = shape.frames_per_second * clip_seconds
    attention = (8 if shape.reads_features else 4) * frames * shape.width * shape.blocks
    return shape.frames_per_second * (2.0 * shape.encoder + attention)


def head_flops(shape: ModelShape, audio: Audio) -> float:
    """Return FLOPs of the heads for a second of audio, forward.

    Conservative: a decoder counts as if every frame had a token.

    Args:
        shape: The model.
        audio: The audio.
    """
    asr = shape.asr / shape.languages
    st = shape.st / shape.pairs * audio.translated_share if shape.pairs else 0.0
    return shape.frames_per_second * 2.0 * (asr + st)


def forward_flops(shape: ModelShape, audio: Audio) -> float:
    """Return FLOPs of all losses for a second of audio, as validation computes them.

    Args:
        shape: The model.
        audio: The audio.
    """
    convolutions = shape.input_flops * (1.0 + audio.crop_share)
    return convolutions + backward_flops(shape, audio) / 2.0


def backward_flops(shape: ModelShape, audio: Audio) -> float:
    """Return FLOPs of one backward pass of all losses for a second of audio.

    It is twice the forward pass of all parameters that learn.

    Args:
        shape: The model.
        audio: The audio.
    """
    encoder = encoder_flops(shape, audio.clip_seconds) * (1.0 + audio.crop_share)
    return 2.0 * (encoder + head_flops(shape, audio))


def row_passes(shape: ModelShape, audio: Audio, pooled: bool) -> float:
    """Return how often rows pass through a second of audio, without self-supervision.

    Encoded per language, a row passes through the audio of its language alone; pooled, through all.

    Args:
        shape: The model.
        audio: The audio.
        pooled: Whether all languages are encoded at once.
    """
    if pooled:
        return float(shape.languages + shape.pairs)
    return 1.0 + (audio.translated_share if shape.pairs else 0.0)


def measured_flops(shape: ModelShape, audio: Audio, measuring: Measuring) -> float:
    """Return FLOPs of the backward passes of a measured step for a second of audio.

    Each objective passes through its head, and through the encoder down to the lowest measured
    layer: encoded per language, with the audio of its language; pooled, with all audio. One pass
    for all of them continues below. If the measured gradients are not reused, an ordinary backward
    pass is added.

    Args:
        shape: The model.
        audio: The audio.
        measuring: How the soup measures.
    """
    encoder = 2.0 * encoder_flops(shape, audio.clip_seconds)
    passes = row_passes(shape, audio, measuring.pooled) + audio.crop_share
    above = encoder * measuring.depth * passes
    heads = head_flops(shape, audio)
    if not measuring.reused:
        return above + heads + backward_flops(shape, audio)
    return above + 2.0 * heads + encoder * (1.0 - measuring.depth) * (1.0 + audio.crop_share)


def training_flops(shape: ModelShape, audio: Audio, measuring: Measuring) -> float:
    """Return FLOPs of training on a second of audio: the mean of measured and other steps.

    If layers follow weights of their own, a pass through the encoder is added, for all objectives
    together, without the parameters of the heads.

    Args:
        shape: The model.
        audio: The audio.
        measuring: How the soup measures.
    """
    share = measuring.steps if measuring.depth else 0.0
    backward = (1.0 - share) * backward_flops(shape, audio)
    if share:
        backward += share * measured_flops(shape, audio, measuring)
    if measuring.elsewhere:
        backward += backward_flops(shape, audio) - head_flops(shape, audio)
    return forward_flops(shape, audio) + backward


def gpu_hours(flops: float, peak_tflops: float, utilisation: float) -> float:
    """Return hours of one GPU.

    Args:
        flops: FLOPs of the work.
        peak_tflops: Peak of the GPU, TFLOP/s.
        utilisation: Share of the peak that is reached, 0 to 1.

    >>> round(gpu_hours(3.6e18, peak_tflops=100.0, utilisation=0.1), 2)
    100.0
    """
    return flops / (peak_tflops * 1e12 * utilisation) / 3600
