"""Repetition of encoded frames, back to the frame rate of the encoder's input."""

import torch
from torch import Tensor


def spread(states: Tensor, state_lengths: Tensor, lengths: Tensor, size: int) -> Tensor:
    """Return the encoded frame that belongs to each frame of the input, [B, T, D].

    The encoded frames of an utterance share its frames evenly, whatever the subsampling of the
    encoder; behind its end the last one is repeated.

    Args:
        states: Values of the encoded frames, [B, T', D].
        state_lengths: Encoded frames of each utterance, [B].
        lengths: Frames of each utterance, [B].
        size: Number of frames T of the longest utterance.

    >>> states = torch.tensor([[[1.0], [2.0]]])
    >>> spread(states, torch.tensor([2]), torch.tensor([5]), 6).flatten().tolist()
    [1.0, 1.0, 1.0, 2.0, 2.0, 2.0]
    """
    positions = torch.arange(size, device=states.device).unsqueeze(0)
    index = positions * state_lengths.unsqueeze(1) // lengths.unsqueeze(1)
    index = torch.minimum(index, state_lengths.unsqueeze(1) - 1)
    return states.gather(1, index.unsqueeze(-1).expand(-1, -1, states.size(-1)))
