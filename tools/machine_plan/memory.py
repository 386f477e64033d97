"""Estimate memory and disk of a training by arithmetic.

Letters: see `shapes`.
"""

from tools.machine_plan.flops import row_passes
from tools.machine_plan.shapes import (
    CONFORMER,
    FRAME_NUMBERS,
    FRAMES_PER_SECOND,
    TRANSFORMER,
    Audio,
    Measuring,
    ModelShape,
)

FLOAT_BYTES = 4
STATE_BYTES = 16  # of a parameter: itself, gradient, two moments of AdamW
BUCKET_BYTES = 4  # of a parameter: DistributedDataParallel's copy of the gradient
CHECKPOINT_BYTES = 12  # of a parameter: itself and two moments
OTHER_MODEL_FILES = 3  # averages, and the epoch being written


def conformer_numbers(width: int, inner: int, heads: int, frames: float) -> float:
    """Return the numbers per frame that a Conformer block keeps for the backward pass.

    Two feed-forward parts keep 2.25 d + 3.25 f each (inputs of the norm and of both products, swish
    and its sigmoid, dropout's masks of a byte), attention 9.25 d + 2.25 H T (2 d of them relative
    positions), convolution 9.25 d, the last norm d: 24 d + 6.5 f + 2.25 H T, and d to spare.

    Args:
        width: Width d.
        inner: Inner width f.
        heads: Number of attention heads H.
        frames: Frames of an utterance T.
    """
    return 25.0 * width + 6.5 * inner + 2.25 * heads * frames


def branchformer_numbers(
    width: int, inner: int, gated: int, heads: int, frames: float, feed_forwards: int
) -> float:
    """Return the numbers per frame that an E-Branchformer block keeps for the backward pass.

    Attention, the gated convolution, the merging convolution and the norms keep 15.75 d + 3.625 u +
    2.25 H T, each feed-forward layer 2.25 d + 3.25 f, dropout's masks of a byte among them, and d
    to spare.

    Args:
        width: Width d.
        inner: Inner width f.
        gated: Width of the gated convolution u.
        heads: Number of attention heads H.
        frames: Frames of an utterance T.
        feed_forwards: Number of feed-forward layers, 0 to 2.
    """
    layers = feed_forwards * (2.25 * width + 3.25 * inner)
    return 16.75 * width + 3.625 * gated + 2.25 * heads * frames + layers


def transformer_numbers(width: int, inner: int) -> float:
    """Return the numbers per frame that a Transformer block keeps for the backward pass.

    Inputs and outputs of both norms 4 d, queries, keys and values 3 d, the output of attention
    twice 2 d (its scores are not kept: `scaled_dot_product_attention`), inner products before and
    after the activation and its dropout 3 f, masks of a byte d / 2 + f / 4, and d to spare.

    Args:
        width: Width d.
        inner: Inner width f.
    """
    return 10.5 * width + 3.25 * inner


def frame_bytes(
    shape: ModelShape, audio: Audio, activation_bytes: int, measuring: Measuring
) -> float:
    """Return the bytes that a frame of a mini-batch keeps until the backward pass.

    Conservative: a decoder counts as if every frame had a token; logits are kept three times. A
    reused row keeps its gradient at the input of the lowest measured layer, d numbers.

    Args:
        shape: The model.
        audio: The audio.
        activation_bytes: Bytes of a kept number.
        measuring: How the soup measures.
    """
    frames = shape.frames_per_second * audio.clip_seconds
    encoder = _block_numbers(shape, frames) * shape.blocks * (1.0 + audio.crop_share)
    decoder = 25.0 * shape.width + 3.25 * shape.decoder_inner + 4.5 * shape.heads * frames
    st = decoder * shape.decoder_blocks + 3.0 * shape.st_vocabulary
    heads = 3.0 * shape.asr_vocabulary + (audio.translated_share * st if shape.pairs else 0.0)
    cut = 0.0
    if measuring.reused and 0.0 < measuring.depth < 1.0:
        cut = (row_passes(shape, audio, measuring.pooled) + audio.crop_share) * shape.width
    return activation_bytes * (encoder + heads + cut)


def _block_numbers(shape: ModelShape, frames: float) -> float:
    if shape.kind == TRANSFORMER:
        return transformer_numbers(shape.width, shape.inner)
    if shape.kind == CONFORMER:
        return conformer_numbers(shape.width, shape.inner, shape.heads, frames)
    return branchformer_numbers(
        *(shape.width, shape.inner, shape.gated, shape.heads, frames, shape.feed_forwards)
    )


def fixed_bytes(
    shape: ModelShape, audio: Audio, measuring: Measuring, gpus: int, accumulates: bool = False
) -> float:
    """Return the bytes that do not depend on the mini-batch: parameters and gradient rows.

    Rows of two halves are 2 m n numbers; with accumulation their sums are kept beside those of the
    mini-batch.

    Args:
        shape: The model.
        audio: The audio.
        measuring: How the soup measures.
        gpus: GPUs of a training.
        accumulates: Whether gradients are accumulated over mini-batches.
    """
    objectives = shape.languages + shape.pairs + (1 if audio.crop_share else 0)
    sets = 4 if accumulates else 2
    rows = sets * objectives * shape.encoder * measuring.depth * FLOAT_BYTES
    each = STATE_BYTES + (BUCKET_BYTES if gpus > 1 else 0)
    return each * shape.parameters + rows


def experiment_bytes(parameters: int, keep_nbest: int) -> int:
    """Return the disk space of an experiment, bytes: model files and a checkpoint.

    Args:
        parameters: Number of parameters.
        keep_nbest: Number of epochs whose models are kept.
    """
    return parameters * ((keep_nbest + OTHER_MODEL_FILES) * FLOAT_BYTES + CHECKPOINT_BYTES)


def features_gb(hours: float) -> float:
    """Return the disk space of the features of stage 3, float32, GB.

    Args:
        hours: Hours of audio.
    """
    return hours * 3600 * FRAMES_PER_SECOND * FRAME_NUMBERS * FLOAT_BYTES / 1e9
