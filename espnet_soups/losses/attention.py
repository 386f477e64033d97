"""Cross-entropy of an attention decoder with label smoothing, teacher-forced."""

import torch
from espnet2.asr.decoder.abs_decoder import AbsDecoder
from espnet2.legacy.nets.pytorch_backend.transformer.label_smoothing_loss import (
    LabelSmoothingLoss,
)
from torch import Tensor

IGNORED = -1


def attention_sum(
    decoder: AbsDecoder,
    criterion: LabelSmoothingLoss,
    encoded: Tensor,
    frame_lengths: Tensor,
    labels: Tensor,
    label_lengths: Tensor,
    start: int,
    end: int,
) -> tuple[Tensor, Tensor]:
    """Gives the loss and the number of right tokens, both summed over labels and their ends.

    Args:
        decoder: ESPnet's decoder.
        criterion: ESPnet's label smoothing with `normalize_length=False`.
        encoded: Encoder output, [B, T, D].
        frame_lengths: Frames of each utterance, [B].
        labels: Token ids, padded with any value and to any width, [B, L].
        label_lengths: Tokens of each label, [B].
        start: Id that the decoder starts from (`<sos/eos>` or a language token).
        end: Id that ends a label (`<sos/eos>`).

    Returns:
        (loss, right tokens): two scalars; the second has no graph.
    """
    labels = labels[:, : int(label_lengths.max())]  # ESPnet's decoders want no wider padding
    inputs, targets = teacher_forcing(labels, label_lengths, start, end)
    logits, _ = decoder(encoded, frame_lengths, inputs, label_lengths + 1)
    loss = criterion(logits, targets) * encoded.size(0)  # it divides by the batch size
    scored = targets != IGNORED
    correct = (logits.detach().argmax(dim=-1).eq(targets) & scored).sum()
    return loss, correct


def teacher_forcing(
    labels: Tensor, label_lengths: Tensor, start: int, end: int
) -> tuple[Tensor, Tensor]:
    """Shifts labels: inputs begin with `start`, targets finish with `end`, both [B, L + 1]."""
    batch, length = labels.shape
    positions = torch.arange(length + 1, device=labels.device).unsqueeze(0)
    lengths = label_lengths.unsqueeze(1)
    begin = labels.new_full((batch, 1), start)
    inputs = torch.cat([begin, labels], dim=1).masked_fill(positions > lengths, end)
    targets = torch.cat([labels, labels.new_full((batch, 1), IGNORED)], dim=1)
    targets = targets.masked_fill(positions == lengths, end)
    return inputs, targets.masked_fill(positions > lengths, IGNORED)
