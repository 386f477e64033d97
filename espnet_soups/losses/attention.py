"""Cross-entropy of an attention decoder with label smoothing, teacher-forced."""

from collections.abc import Sequence

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
    prefix: Sequence[int],
    end: int,
) -> tuple[Tensor, Tensor]:
    """Return the loss and the number of correct tokens, both summed over labels and their ends.

    Args:
        decoder: ESPnet's decoder.
        criterion: ESPnet's label smoothing with `normalize_length=False`.
        encoded: Encoder output, [B, T, D].
        frame_lengths: Frames of each utterance, [B].
        labels: Token ids, padded with any value and to any width, [B, L].
        label_lengths: Tokens of each label, [B].
        prefix: Ids that the decoder starts from, at least one: `<sos/eos>`, or tokens that say what
            to write. It is not asked to predict them.
        end: Id that ends a label (`<sos/eos>`).

    Returns:
        (loss, correct tokens): two scalars; the second has no graph.
    """
    labels = labels[:, : int(label_lengths.max())]  # ESPnet's decoders accept no wider padding
    inputs, targets = teacher_forcing(labels, label_lengths, prefix, end)
    logits, _ = decoder(encoded, frame_lengths, inputs, label_lengths + len(prefix))
    loss = criterion(logits, targets) * encoded.size(0)  # it divides by the batch size
    scored = targets != IGNORED
    correct = (logits.detach().argmax(dim=-1).eq(targets) & scored).sum()
    return loss, correct


def teacher_forcing(
    labels: Tensor, label_lengths: Tensor, prefix: Sequence[int], end: int
) -> tuple[Tensor, Tensor]:
    """Shift labels: inputs begin with a prefix of P tokens, targets finish with `end`.

    Args:
        labels: Token ids, padded with any value, [B, L].
        label_lengths: Tokens of each label, [B].
        prefix: The P ids that the decoder starts from, at least one.
        end: Id that ends a label.

    Returns:
        (inputs, targets), both [B, P + L]; targets of all tokens of the prefix but the last, whose
        target is the first token of the label, are ignored.
    """
    batch, length = labels.shape
    before = len(prefix) - 1
    positions = torch.arange(length + 1, device=labels.device).unsqueeze(0)
    lengths = label_lengths.unsqueeze(1)
    # a list would be copied to a GPU, which waits for its earlier work
    begin = torch.cat([labels.new_full((batch, 1), token) for token in prefix], dim=1)
    last = torch.cat([begin[:, before:], labels], dim=1).masked_fill(positions > lengths, end)
    targets = torch.cat([labels, labels.new_full((batch, 1), IGNORED)], dim=1)
    targets = targets.masked_fill(positions == lengths, end)
    targets = targets.masked_fill(positions > lengths, IGNORED)
    inputs = torch.cat([begin[:, :before], last], dim=1)
    return inputs, torch.nn.functional.pad(targets, (before, 0), value=IGNORED)
