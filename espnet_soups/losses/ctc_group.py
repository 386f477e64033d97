"""CTC of several heads in one call: each has a projection of its own, the rest is shared."""

from collections.abc import Sequence

import torch
from espnet2.asr.ctc import CTC
from torch import Tensor
from torch.nn.functional import dropout, pad

NEVER = -1e30  # score of a class that a head lacks; with an infinite one gradients would be NaN


def ctc_sums(
    layers: Sequence[CTC],
    encoded: Sequence[Tensor],
    labels: Sequence[Tensor],
    lengths: tuple[Tensor, Tensor],
) -> list[Tensor]:
    """Return the negative log likelihood of each head, summed over its utterances.

    Args:
        layers: ESPnet's CTC layers, each of the type `builtin`.
        encoded: Encoder output of the utterances of each head, [B, T, D].
        labels: Token ids, [B, L] each.
        lengths: Frames and tokens of each utterance of all heads, one after another, [N] both;
            where they are on the CPU, a GPU is not waited for.
    """
    frames = max(states.size(1) for states in encoded)
    tokens = max(label.size(1) for label in labels)
    classes = max(layer.ctc_lo.out_features for layer in layers)
    scores = []
    for layer, states in zip(layers, encoded, strict=True):
        own = layer.ctc_lo(dropout(states, layer.dropout_rate))  # ESPnet: in evaluation, too
        space = (0, classes - own.size(2), 0, frames - own.size(1))
        least = torch.finfo(own.dtype).min  # of float16 it is above NEVER
        scores.append(pad(own, space, value=max(NEVER, least)))
    losses = torch.nn.functional.ctc_loss(
        torch.cat(scores).transpose(0, 1).log_softmax(dim=2).float(),
        torch.cat([pad(label, (0, tokens - label.size(1))) for label in labels]),
        *lengths,
        reduction="none",
        zero_infinity=layers[0].ctc_loss.zero_infinity,
    )
    parts = losses.split([len(label) for label in labels])
    return [part.sum().to(states.dtype) for part, states in zip(parts, encoded, strict=True)]
