"""BEST-RQ: predict the random codes of frames that were masked in the input."""

import torch
import torch.nn.functional as F
from torch import Tensor

from espnet_soups.losses.loss_sum import sum_dtype

SMALLEST_DEVIATION = 1e-5  # of a feature that never changes


def draw_spans(
    lengths: Tensor, probability: float, span: int, generator: torch.Generator | None = None
) -> Tensor:
    """Draw the frames that are masked: spans that begin anywhere, at least one per utterance.

    Args:
        lengths: Frames of each utterance, longer than a span, [B].
        probability: Probability that a span begins at a frame.
        span: Frames of a span; spans may overlap.
        generator: Source of the random numbers, on the CPU; None uses the global one.

    Returns:
        True where a frame is masked, bool [B, T], on the device of the lengths.

    Source:
        Chiu et al., "Self-supervised learning with random-projection quantizer" (arXiv 2202.01855),
        section 3.1; that every utterance gets a span is ours, for short ones.
    """
    counts = lengths.cpu().unsqueeze(1)
    places = torch.arange(int(counts.max())).unsqueeze(0)
    last_start = counts - span
    draws = torch.rand(len(counts), places.size(1), generator=generator)
    forced = (torch.rand(len(counts), 1, generator=generator) * (last_start + 1)).long()
    starts = (draws < probability) & (places <= last_start)
    starts |= ~starts.any(dim=1, keepdim=True) & (places == forced)
    begun = F.pad(starts.long().cumsum(dim=1), (span, 0))
    masked = begun[:, span:] > begun[:, : places.size(1)]
    return masked.to(lengths.device)


def normalise_utterances(feats: Tensor, lengths: Tensor) -> Tensor:
    """Scale the features of every utterance to mean 0 and variance 1; padding becomes 0, [B, T, D].

    Without it, the largest features alone decide which code is nearest, and a few codes take all
    frames.

    Args:
        feats: Features, [B, T, D].
        lengths: Frames of each utterance, [B].
    """
    inside = torch.arange(feats.size(1), device=feats.device) < lengths.unsqueeze(1)
    weight = inside.unsqueeze(-1).to(feats.dtype)
    count = lengths.view(-1, 1, 1).to(feats.dtype)
    centred = (feats - (feats * weight).sum(dim=1, keepdim=True) / count) * weight
    deviation = (centred.square().sum(dim=1, keepdim=True) / count).sqrt()
    return centred / deviation.clamp(min=SMALLEST_DEVIATION)


def stack_frames(feats: Tensor, size: int) -> Tensor:
    """Join neighbouring frames: [B, T, D] -> [B, T // size, size D]. Frames left over are dropped.

    Args:
        feats: Features, [B, T, D].
        size: Number of frames to join into one.
    """
    batch, frames, width = feats.shape
    kept = frames // size * size
    return feats[:, :kept].reshape(batch, kept // size, size * width)


def masked_cross_entropy(logits: Tensor, codes: Tensor) -> tuple[Tensor, Tensor]:
    """Return the cross-entropy of masked frames and the number of correct codes.

    Args:
        logits: Scores for M masked frames, C codebooks and V codes, [M, C, V].
        codes: The correct codes, [M, C].

    Returns:
        (loss, correct codes): summed over frames, averaged over codebooks; the second has no graph.
    """
    dtype = sum_dtype(logits)
    books = codes.size(1)
    loss = F.cross_entropy(logits.to(dtype).flatten(0, 1), codes.flatten(), reduction="sum")
    correct = (logits.detach().argmax(dim=-1) == codes).sum().to(dtype)
    return loss / books, correct / books


def perplexity(codes: Tensor, size: int) -> Tensor:
    """Return how many codes are in use: exp of their entropy, averaged over codebooks.

    Args:
        codes: Codes of M frames in C codebooks, [M, C].
        size: Number of codes in a codebook.

    Returns:
        A scalar between 1 (all frames have the same code) and `size`.

    >>> perplexity(torch.tensor([[0], [1], [0], [1]]), 8)
    tensor(2.)
    """
    shares = F.one_hot(codes, size).float().mean(dim=0)
    return torch.special.entr(shares).sum(dim=-1).exp().mean()
