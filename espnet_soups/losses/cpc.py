"""Contrastive predictive coding: tell the encoded frame that was predicted from others."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from espnet_soups.losses.loss_sum import sum_dtype

# Where the wrong candidates of a prediction come from.
NEGATIVES = ("batch", "utterance", "step")


@dataclass(frozen=True)
class Contrast:
    """Result of InfoNCE.

    Attributes:
        total: Loss, summed over the predicted frames.
        correct: Number of predictions that are nearest to their own frame, without a graph.
        candidates: Mean number of frames to choose from; blind guessing costs its logarithm.
    """

    total: Tensor
    correct: Tensor
    candidates: Tensor


def info_nce(
    predictions: Tensor, targets: Tensor, temperature: float, negatives: str = "batch"
) -> Contrast:
    """Compare every prediction with its own frame and with other frames, by cosine.

    Args:
        predictions: Predicted vectors of B utterances and K steps, [B, K, E].
        targets: The encoded frames that were to be predicted, [B, K, E].
        temperature: Divisor of the cosines.
        negatives: `batch` takes all other frames, `utterance` those of the same utterance, `step`
            the frames of the same step in other utterances, which the position of a frame in its
            crop cannot give away.

    Returns:
        Loss, number of correct predictions and of candidates.

    Source:
        Van den Oord, Li and Vinyals, "Representation learning with contrastive predictive coding"
        (arXiv 1807.03748), eq. 4, with cosines as in wav2vec 2.0 in place of a bilinear form.
    """
    utterances, steps, _ = predictions.shape
    dtype = sum_dtype(predictions)
    with torch.autocast(predictions.device.type, enabled=False):
        predicted = F.normalize(predictions.to(dtype), dim=-1).flatten(0, 1)
        frames = F.normalize(targets.to(dtype), dim=-1).flatten(0, 1)
        scores = predicted @ frames.T / temperature
    valid = _candidates(utterances, steps, negatives, scores.device)
    scores = scores.masked_fill(~valid, -torch.inf)
    own = torch.arange(utterances * steps, device=scores.device)
    total = F.cross_entropy(scores, own, reduction="sum")
    correct = (scores.detach().argmax(dim=1) == own).sum().to(dtype)
    return Contrast(total, correct, valid.sum(dim=1).to(dtype).mean())


def _candidates(utterances: int, steps: int, negatives: str, device: torch.device) -> Tensor:
    """Return which frames each prediction chooses from, its own one included, bool [BK, BK]."""
    rows = torch.arange(utterances, device=device).repeat_interleave(steps)
    places = torch.arange(steps, device=device).repeat(utterances)
    if negatives == "utterance":
        return rows.unsqueeze(0) == rows.unsqueeze(1)
    if negatives == "step":
        return places.unsqueeze(0) == places.unsqueeze(1)
    return torch.ones(len(rows), len(rows), dtype=torch.bool, device=device)
