"""What a training needs, by arithmetic: FLOPs, GPU hours, memory, disk. Nothing is measured here.

Letters: d width, f inner width, H heads, T frames of an utterance, m objectives, n parameters of
the encoder.
"""

from dataclasses import dataclass

FRAMES_PER_SECOND = 25  # 4 frames of 10 ms put into one
FRAME_NUMBERS = 320  # what `batch_bins` counts: 4 times 80 filters, or the samples of 20 ms
FLOAT_BYTES = 4
STATE_BYTES = 16  # of a parameter: itself, gradient, two moments of AdamW
BUCKET_BYTES = 4  # of a parameter: DistributedDataParallel's copy of the gradient
CHECKPOINT_BYTES = 12  # of a parameter: itself and two moments
OTHER_MODEL_FILES = 3  # averages, and the epoch being written


@dataclass(frozen=True)
class ModelShape:
    """A Conformer, or a pretrained Transformer that reads samples, with its heads.

    Attributes:
        blocks: Blocks of the encoder.
        width: d.
        inner: f.
        heads: H.
        encoder: Parameters of the encoder that learn, n.
        asr: Parameters of all recognition heads.
        st: Parameters of all translation heads.
        decoder_blocks: Blocks of each translation decoder.
        decoder_inner: Their inner width.
        languages: Recognition heads.
        pairs: Translation heads.
        asr_vocabulary: Tokens of the largest recognition head.
        st_vocabulary: Tokens of a translation head.
        frames_per_second: Frames that the encoder makes of a second.
        conformer: Whether its blocks are those of a Conformer; if not, of a Transformer.
        input_flops: FLOPs of frozen convolutions below the blocks for a second of audio, forward.
    """

    blocks: int
    width: int
    inner: int
    heads: int
    encoder: int
    asr: int
    st: int
    decoder_blocks: int
    decoder_inner: int
    languages: int
    pairs: int
    asr_vocabulary: int
    st_vocabulary: int
    frames_per_second: int = FRAMES_PER_SECOND
    conformer: bool = True
    input_flops: float = 0.0

    @property
    def parameters(self) -> int:
        """All of them."""
        return self.encoder + self.asr + self.st


@dataclass(frozen=True)
class Audio:
    """What a second of audio stands for.

    Attributes:
        clip_seconds: Mean length of an utterance.
        translated_share: Share of the audio that is translated.
        crop_share: Share that self-supervision encodes once more; 0: no self-supervision.
    """

    clip_seconds: float
    translated_share: float
    crop_share: float = 0.0


@dataclass(frozen=True)
class Measuring:
    """How a soup measures gradients.

    Attributes:
        depth: Share of the encoder from the lowest measured layer up; 0: nothing is measured.
        steps: Share of the optimiser steps that are measured.
        pooled: Whether all languages are encoded at once, so that each row passes through all.
        reused: Whether the step is made with the measured gradients; if not, rows are measured
            beside an ordinary backward pass.
        elsewhere: Whether other layers than the measured ones follow weights of their own, for
            which every step walks back once more.
    """

    depth: float = 0.0
    steps: float = 1.0
    pooled: bool = True
    reused: bool = True
    elsewhere: bool = False


def encoder_flops(shape: ModelShape, clip_seconds: float) -> float:
    """Return FLOPs of encoding a second of audio, forward.

    A multiplication and an addition for each parameter and frame; in attention T keys for each
    frame: scores and values 2 T d each, relative positions (2 T of them, Conformer) 4 T d, in every
    block. Frozen convolutions are not among them.
    """
    frames = shape.frames_per_second * clip_seconds
    attention = (8 if shape.conformer else 4) * frames * shape.width * shape.blocks
    return shape.frames_per_second * (2.0 * shape.encoder + attention)


def head_flops(shape: ModelShape, audio: Audio) -> float:
    """Return FLOPs of the heads for a second of audio, forward.

    Conservative: a decoder counts as if every frame had a token.
    """
    asr = shape.asr / shape.languages
    st = shape.st / shape.pairs * audio.translated_share if shape.pairs else 0.0
    return shape.frames_per_second * 2.0 * (asr + st)


def forward_flops(shape: ModelShape, audio: Audio) -> float:
    """Return FLOPs of all losses for a second of audio, as validation computes them."""
    convolutions = shape.input_flops * (1.0 + audio.crop_share)
    return convolutions + backward_flops(shape, audio) / 2.0


def backward_flops(shape: ModelShape, audio: Audio) -> float:
    """Return FLOPs of one backward pass of all losses for a second of audio.

    Twice the forward, of what learns.
    """
    encoder = encoder_flops(shape, audio.clip_seconds) * (1.0 + audio.crop_share)
    return 2.0 * (encoder + head_flops(shape, audio))


def row_passes(shape: ModelShape, audio: Audio, pooled: bool) -> float:
    """Return how often rows pass through a second of audio, self-supervision aside.

    Encoded per language, a row passes through the audio of its own; pooled, through all of it.
    """
    if pooled:
        return float(shape.languages + shape.pairs)
    return 1.0 + (audio.translated_share if shape.pairs else 0.0)


def measured_flops(shape: ModelShape, audio: Audio, measuring: Measuring) -> float:
    """Return FLOPs of the backward passes of a measured step for a second of audio.

    Each objective walks its head, and the encoder down to the lowest measured layer: encoded per
    language, the audio of its own; pooled, all of it. One pass for all of them goes on below. If
    what was measured is not reused, an ordinary backward pass comes on top.
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

    Where layers follow weights of their own, a pass through the encoder comes on top, for all
    objectives together, without the parameters of the heads.
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

    >>> round(gpu_hours(3.6e18, peak_tflops=100.0, utilisation=0.1), 2)
    100.0
    """
    return flops / (peak_tflops * 1e12 * utilisation) / 3600


def block_numbers(width: int, inner: int, heads: int, frames: float) -> float:
    """Return the numbers that a Conformer block keeps of a frame for the backward pass.

    Two feed-forward parts keep 2.25 d + 3.25 f each (inputs of the norm and of both products, swish
    and its sigmoid, dropout's masks of a byte), attention 9.25 d + 2.25 H T (2 d of them relative
    positions), convolution 9.25 d, the last norm d: 24 d + 6.5 f + 2.25 H T, and d to spare.
    """
    return 25.0 * width + 6.5 * inner + 2.25 * heads * frames


def transformer_numbers(width: int, inner: int) -> float:
    """Return the numbers that a Transformer block keeps of a frame for the backward pass.

    Inputs and outputs of both norms 4 d, queries, keys and values 3 d, what attention gives twice
    2 d (its scores are not kept: `scaled_dot_product_attention`), inner products before and behind
    the activation and its dropout 3 f, masks of a byte d / 2 + f / 4, and d to spare.
    """
    return 10.5 * width + 3.25 * inner


def frame_bytes(
    shape: ModelShape, audio: Audio, activation_bytes: int, measuring: Measuring
) -> float:
    """Return the bytes that a frame of a mini-batch keeps until the backward pass.

    Conservative: a decoder counts as if every frame had a token; logits are kept three times. A
    reused row keeps its gradient of what enters the lowest measured layer, d numbers.
    """
    frames = shape.frames_per_second * audio.clip_seconds
    block = transformer_numbers(shape.width, shape.inner)
    if shape.conformer:
        block = block_numbers(shape.width, shape.inner, shape.heads, frames)
    encoder = block * shape.blocks * (1.0 + audio.crop_share)
    decoder = 25.0 * shape.width + 3.25 * shape.decoder_inner + 4.5 * shape.heads * frames
    st = decoder * shape.decoder_blocks + 3.0 * shape.st_vocabulary
    heads = 3.0 * shape.asr_vocabulary + (audio.translated_share * st if shape.pairs else 0.0)
    cut = 0.0
    if measuring.reused and 0.0 < measuring.depth < 1.0:
        cut = (row_passes(shape, audio, measuring.pooled) + audio.crop_share) * shape.width
    return activation_bytes * (encoder + heads + cut)


def fixed_bytes(
    shape: ModelShape, audio: Audio, measuring: Measuring, gpus: int, accumulates: bool = False
) -> float:
    """Return the bytes that do not depend on the mini-batch: parameters and gradient rows.

    Rows of two halves, 2 m n numbers; with accumulation their sums stand beside those of the
    mini-batch.
    """
    objectives = shape.languages + shape.pairs + (1 if audio.crop_share else 0)
    sets = 4 if accumulates else 2
    rows = sets * objectives * shape.encoder * measuring.depth * FLOAT_BYTES
    each = STATE_BYTES + (BUCKET_BYTES if gpus > 1 else 0)
    return each * shape.parameters + rows


def experiment_bytes(parameters: int, keep_nbest: int) -> int:
    """Return the disk of an experiment: model files and a checkpoint."""
    return parameters * ((keep_nbest + OTHER_MODEL_FILES) * FLOAT_BYTES + CHECKPOINT_BYTES)


def features_gb(hours: float) -> float:
    """Return the disk of the features of stage 3, float32."""
    return hours * 3600 * FRAMES_PER_SECOND * FRAME_NUMBERS * FLOAT_BYTES / 1e9
