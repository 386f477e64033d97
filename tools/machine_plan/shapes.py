"""Describe what a plan depends on: a model, its audio, and how a soup measures.

Letters: d width, f inner width, u width of a gated convolution (E-Branchformer), H heads, T frames
of an utterance, m objectives, n parameters of the encoder.
"""

from dataclasses import dataclass

CONFORMER, E_BRANCHFORMER, TRANSFORMER = "conformer", "e_branchformer", "transformer"
FRAMES_PER_SECOND = 25  # 4 frames of 10 ms put into one
FRAME_NUMBERS = 320  # what `batch_bins` counts: 4 times 80 filters, or the samples of 20 ms


@dataclass(frozen=True)
class ModelShape:
    """Conformer, E-Branchformer, or pretrained Transformer that reads samples, with its heads.

    Attributes:
        blocks: Number of blocks of the encoder.
        width: Width d.
        inner: Inner width f.
        heads: Number of attention heads H.
        encoder: Parameters of the encoder that learn, n.
        asr: Parameters of all recognition heads.
        st: Parameters of all translation heads.
        decoder_blocks: Number of blocks of each translation decoder.
        decoder_inner: Inner width of these decoders.
        languages: Number of recognition heads.
        pairs: Number of translation heads.
        asr_vocabulary: Number of tokens of the largest recognition head.
        st_vocabulary: Number of tokens of a translation head.
        frames_per_second: Frames that the encoder makes from a second of audio.
        kind: Kind of its blocks: CONFORMER, E_BRANCHFORMER or TRANSFORMER.
        gated: Width of the gated convolution of an E-Branchformer, u.
        feed_forwards: Feed-forward layers of a block of an E-Branchformer.
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
    kind: str = CONFORMER
    gated: int = 0
    feed_forwards: int = 1
    input_flops: float = 0.0

    @property
    def reads_features(self) -> bool:
        """Whether it reads features, with relative positions; backbones read samples."""
        return self.kind != TRANSFORMER

    @property
    def parameters(self) -> int:
        """Number of all parameters."""
        return self.encoder + self.asr + self.st


@dataclass(frozen=True)
class Audio:
    """Properties of the training audio.

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
    """Way in which a soup measures gradients.

    Attributes:
        depth: Share of the encoder from the lowest measured layer up; 0: nothing is measured.
        steps: Share of the optimiser steps that are measured.
        pooled: Whether all languages are encoded at once, so that each row passes through all.
        reused: Whether the step uses the measured gradients; if not, rows are measured beside an
            ordinary backward pass.
        elsewhere: Whether layers that are not measured follow weights of their own, which needs one
            more backward pass in every step.
    """

    depth: float = 0.0
    steps: float = 1.0
    pooled: bool = True
    reused: bool = True
    elsewhere: bool = False
