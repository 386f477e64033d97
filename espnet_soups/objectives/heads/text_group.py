"""Joint computation of text heads of one shape, in few large operations."""

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.functional import pad

from espnet_soups.losses.attention import IGNORED, teacher_forcing
from espnet_soups.losses.ctc import alignable
from espnet_soups.losses.ctc_group import ctc_sums
from espnet_soups.losses.label_smoothing import smoothed_sums
from espnet_soups.losses.loss_sum import LossSum, sum_dtype
from espnet_soups.objectives.heads.decoder_stack import DecoderStack, stack_key
from espnet_soups.objectives.heads.head import HeadInput

if TYPE_CHECKING:
    from espnet_soups.objectives.heads.text_head import TextHead

MOST_PADDING = 1.5  # decoders are stacked up to this ratio of padded to unpadded frames


def text_key(head: "TextHead") -> Hashable | None:
    """Return a key that text heads share if they are computed together; None to compute it alone.

    Args:
        head: The head.
    """
    ctc = decoder = None
    if head.ctc is not None:
        if head.ctc.ctc_type != "builtin":
            return None
        ctc = head.ctc.ctc_loss.zero_infinity
    if head.decoder is not None:
        decoder = stack_key(head.decoder)
        if decoder is None:
            return None
    return ctc, decoder, head.ctc_weight, head.criterion.smoothing, head.decoder and head.sos_eos


def text_losses(heads: Sequence["TextHead"], inputs: Sequence[HeadInput]) -> list[LossSum] | None:
    """Return the loss of each head; None if they are better computed one by one.

    Args:
        heads: Heads with the same `text_key`.
        inputs: The utterances of each head.
    """
    first = heads[0]
    labels = [one.labels for one in inputs]
    known = _known_lengths(inputs, labels) if first.ctc is not None else None
    if first.ctc is not None and known is None:
        return None
    if first.decoder is not None and _padding(inputs) > MOST_PADDING:
        return None
    dtype = sum_dtype(inputs[0].encoded)
    totals = [one.encoded.new_zeros((), dtype=dtype) for one in inputs]
    correct = [one.encoded.new_full((), torch.nan, dtype=dtype) for one in inputs]
    if known is not None:
        layers = [head.ctc for head in heads if head.ctc is not None]
        states = [one.encoded for one in inputs]
        sums = ctc_sums(layers, states, labels, known)
        totals = [total + first.ctc_weight * own for total, own in zip(totals, sums, strict=True)]
    if first.decoder is not None:
        own, right = _attention_sums(heads, inputs, labels)
        share = 1.0 - first.ctc_weight
        totals = [total + share * loss for total, loss in zip(totals, own, strict=True)]
        correct = [
            one * lengths.sum() / (lengths + 1).sum()
            for one, lengths in zip(right, (one.label_lengths for one in inputs), strict=True)
        ]
    return [
        LossSum(total, one.label_lengths.sum().to(dtype), right.to(dtype), one.labels.size(0))
        for total, right, one in zip(totals, correct, inputs, strict=True)
    ]


def _known_lengths(
    inputs: Sequence[HeadInput], labels: Sequence[Tensor]
) -> tuple[Tensor, Tensor] | None:
    """Return the lengths of frames and labels of all utterances, on the CPU.

    CTC needs them there, and whether there is an alignment: a GPU is waited for once.

    Returns:
        Both [N], of all heads one after another; None if a label has no alignment.
    """
    width = max(label.size(1) for label in labels)
    frames = torch.cat([one.frame_lengths for one in inputs])
    lengths = torch.cat([one.label_lengths for one in inputs])
    padded = torch.cat([pad(label, (0, width - label.size(1))) for label in labels])
    fits = alignable(frames, padded, lengths)
    frames, lengths, fits = torch.stack([one.long() for one in (frames, lengths, fits)]).cpu()
    return (frames, lengths) if bool(fits.all()) else None


def _padding(inputs: Sequence[HeadInput]) -> float:
    """Return the frames of the stacked utterances, divided by those of separate heads."""
    sizes = [one.encoded.shape[:2] for one in inputs]
    stacked = max(batch for batch, _ in sizes) * max(frames for _, frames in sizes) * len(sizes)
    return stacked / sum(batch * frames for batch, frames in sizes)


def _attention_sums(
    heads: Sequence["TextHead"], inputs: Sequence[HeadInput], labels: Sequence[Tensor]
) -> tuple[Tensor, Tensor]:
    """Return the loss of each decoder and its number of correct tokens, both [G]."""
    batch = max(one.encoded.size(0) for one in inputs)
    frames = max(one.encoded.size(1) for one in inputs)
    width = max(label.size(1) for label in labels)
    memory, seen, ids, wanted = [], [], [], []
    for head, one, label in zip(heads, inputs, labels, strict=True):
        more = batch - label.size(0)
        read, write = teacher_forcing(label, one.label_lengths, (head.sos_eos,), head.sos_eos)
        beyond = (0, width - label.size(1), 0, more)
        memory.append(pad(one.encoded, (0, 0, 0, frames - one.encoded.size(1), 0, more)))
        seen.append(pad(one.frame_lengths, (0, more), value=1))
        ids.append(pad(read, beyond, value=head.sos_eos))
        wanted.append(pad(write, beyond, value=IGNORED))
    stack = DecoderStack([head.decoder for head in heads])  # type: ignore[misc]
    logits = stack.logits(torch.stack(memory), torch.stack(seen), torch.stack(ids))
    targets = torch.stack(wanted)
    losses = smoothed_sums(logits, targets, heads[0].criterion.smoothing, IGNORED)
    right = logits.detach().argmax(dim=-1).eq(targets) & (targets != IGNORED)
    return losses, right.sum(dim=(1, 2))
