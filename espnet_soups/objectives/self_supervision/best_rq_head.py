"""Head of BEST-RQ."""

import torch
from espnet2.beats.random_tokenizer import RandomProjectionQuantizer
from torch import Tensor

from espnet_soups.losses.best_rq import (
    draw_spans,
    masked_cross_entropy,
    normalise_utterances,
    perplexity,
    stack_frames,
)
from espnet_soups.losses.loss_sum import LossSum, sum_dtype
from espnet_soups.objectives.self_supervision.config import BestRQConfig
from espnet_soups.objectives.self_supervision.head import Encode, SSLHead, variance


class BestRQHead(SSLHead):
    """Head that predicts the codes of masked spans of the features, from fixed quantisers.

    The quantisers are ESPnet's and are saved with the model, so that a resumed training keeps its
    codes.

    Args:
        encoder_size: Dimension of the encoder output.
        feature_size: Dimension of the features.
        config: The settings.
        span: Length of a masked span, encoded frames.
        probability: Probability that a span begins at an encoded frame.
        ratio: Number of feature frames per encoded frame.

    Source:
        Chiu et al., "Self-supervised learning with random-projection quantizer" (arXiv 2202.01855).
        Several codebooks as in the Universal Speech Model (arXiv 2303.01037).
    """

    watched = (
        "encoder_variance",
        "code_perplexity",
        "prediction_perplexity",
    )

    def __init__(
        self,
        encoder_size: int,
        feature_size: int,
        config: BestRQConfig,
        span: int,
        probability: float,
        ratio: int,
    ) -> None:
        super().__init__(config.audio)
        self.span, self.probability, self.ratio = span, probability, ratio
        self.noise, self.target_norm = config.mask_noise, config.target_norm
        self.size = config.codebook_size
        self.quantizers = _make_quantizers(feature_size * ratio, config)
        self.output = torch.nn.Linear(encoder_size, config.codebooks * config.codebook_size)

    def forward(  # type: ignore[override]
        self, feats: Tensor, lengths: Tensor, encode: Encode
    ) -> LossSum:
        """Return the loss of some utterances; see `SSLHead.forward`."""
        kept = lengths // self.ratio > self.span  # else every frame is masked
        left_out = len(lengths) - int(kept.sum())
        if left_out == len(lengths):
            return self.absent(feats, left_out, left_out)
        utterances = len(lengths)
        if left_out:
            lengths = lengths[kept]
            feats = feats[kept, : int(lengths.max())]
        codes = self.quantise(feats, lengths)
        masked = draw_spans(lengths // self.ratio, self.probability, self.span, self.generator())
        encoded, encoded_lengths = encode(self._hide(feats, masked), lengths)
        frames = min(encoded.size(1), masked.size(1))
        inside = torch.arange(frames, device=masked.device) < encoded_lengths.unsqueeze(1)
        chosen = masked[:, :frames] & inside
        if not bool(chosen.any()):
            return self.absent(feats, utterances, utterances)
        logits = self.output(encoded[:, :frames][chosen]).unflatten(1, (-1, self.size))
        labels = codes[:, :frames][chosen]
        loss, correct = masked_cross_entropy(logits, labels)
        dtype = sum_dtype(encoded)
        watched = {
            "encoder_variance": variance(encoded[:, :frames][inside]),
            "code_perplexity": perplexity(labels, self.size),
            "prediction_perplexity": perplexity(logits.detach().argmax(dim=-1), self.size),
        }
        return LossSum(
            total=loss.to(dtype),
            count=chosen.sum().to(dtype),
            correct=correct.to(dtype),
            utterances=utterances,
            unalignable=left_out,
            watched={name: value.to(dtype) for name, value in watched.items()},
        )

    @torch.no_grad()
    def quantise(self, feats: Tensor, lengths: Tensor) -> Tensor:
        """Return the codes of unmasked features, per encoded frame and codebook, [B, T', C].

        Args:
            feats: Normalised features, [B, T, D].
            lengths: Frames of each utterance, [B].
        """
        with torch.autocast(feats.device.type, enabled=False):
            if self.target_norm == "utterance":
                feats = normalise_utterances(feats, lengths)
            stacked = stack_frames(feats, self.ratio)
            return torch.stack([quantizer(stacked) for quantizer in self.quantizers], dim=-1)

    def _hide(self, feats: Tensor, masked: Tensor) -> Tensor:
        """Replace masked features by noise."""
        hidden = masked.repeat_interleave(self.ratio, dim=1)[:, : feats.size(1)]
        missing = feats.size(1) - hidden.size(1)
        hidden = torch.nn.functional.pad(hidden, (0, missing))
        if self.training:
            noise = torch.randn_like(feats)
        else:
            drawn = torch.randn(feats.shape, generator=self.generator(), dtype=feats.dtype)
            noise = drawn.to(feats.device)
        return torch.where(hidden.unsqueeze(-1), self.noise * noise, feats)


def _make_quantizers(size: int, config: BestRQConfig) -> torch.nn.ModuleList:
    """Make the quantisers from their seed, without a change of the global generator."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)  # ESPnet's own `seed` argument is not used there
        return torch.nn.ModuleList(
            RandomProjectionQuantizer(size, config.codebook_size, config.codebook_dim)
            for _ in range(config.codebooks)
        )
