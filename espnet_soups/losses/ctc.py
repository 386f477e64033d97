"""Connectionist temporal classification over a batch of encoded utterances."""

import torch
from espnet2.asr.ctc import CTC
from torch import Tensor
from torchaudio.functional import edit_distance


def alignable(frame_lengths: Tensor, labels: Tensor, label_lengths: Tensor) -> Tensor:
    """Return which labels fit into their frames: their length plus adjacent repeats is at most T.

    Args:
        frame_lengths: Frames of each encoded utterance, [B].
        labels: Token ids, padded with any value, [B, L].
        label_lengths: Tokens of each label, [B].

    Returns:
        True where CTC has an alignment, bool [B].
    """
    positions = torch.arange(1, labels.size(1), device=labels.device)
    inside = positions.unsqueeze(0) < label_lengths.unsqueeze(1)
    repeats = ((labels[:, 1:] == labels[:, :-1]) & inside).sum(dim=1)
    return label_lengths + repeats <= frame_lengths


def ctc_sum(
    ctc: CTC, encoded: Tensor, frame_lengths: Tensor, labels: Tensor, label_lengths: Tensor
) -> Tensor:
    """Return the negative log likelihood, summed over utterances whose labels are alignable.

    Args:
        ctc: ESPnet's CTC layer.
        encoded: Encoder output, [B, T, D].
        frame_lengths: Frames of each utterance, [B].
        labels: Token ids, [B, L].
        label_lengths: Tokens of each label, [B].

    Returns:
        A scalar.
    """
    mean = ctc(encoded, frame_lengths, labels, label_lengths)
    return mean * encoded.size(0)  # ESPnet's layer divides by the batch size


def greedy_tokens(log_probs: Tensor, frame_lengths: Tensor) -> list[list[int]]:
    """Return the best class of every frame, with repeats merged and blanks (class 0) dropped.

    Args:
        log_probs: Log probabilities of the classes, [B, T, V].
        frame_lengths: Frames of each utterance, [B].

    Returns:
        The token ids of each utterance.
    """
    best = log_probs.argmax(dim=-1).cpu()
    sequences = []
    for row, length in zip(best, frame_lengths.tolist(), strict=True):
        merged = torch.unique_consecutive(row[:length])
        sequences.append(merged[merged != 0].tolist())
    return sequences


def count_correct(hypotheses: list[list[int]], labels: Tensor, label_lengths: Tensor) -> int:
    """Count label tokens minus edit distance, summed over utterances.

    Args:
        hypotheses: Recognised token ids of each utterance.
        labels: Token ids, padded with any value, [B, L].
        label_lengths: Tokens of each label, [B].

    Returns:
        The count; it is negative if there are more errors than tokens.
    """
    correct = 0
    for hypothesis, label, length in zip(
        hypotheses, labels.tolist(), label_lengths.tolist(), strict=True
    ):
        correct += length - edit_distance(label[:length], hypothesis)
    return correct
