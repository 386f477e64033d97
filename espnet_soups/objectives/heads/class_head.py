"""The head of a classification: pooling over frames, a linear layer, cross-entropy."""

from collections.abc import Sequence

import torch
from espnet2.cls.decoder.linear_decoder import LinearDecoder
from torch import Tensor
from torch.nn.functional import cross_entropy

from espnet_soups.losses.loss_sum import LossSum, sum_dtype
from espnet_soups.objectives.heads.head import Head


class ClassHead(Head):
    """Head that classifies utterances; its loss is summed over utterances.

    Args:
        decoder: ESPnet's pooling and linear layer.
        weights: Factor of the loss of each class.
    """

    weights: Tensor

    def __init__(self, decoder: LinearDecoder, weights: Sequence[float]) -> None:
        super().__init__()
        self.decoder = decoder
        self.register_buffer("weights", torch.tensor(weights), persistent=False)

    def forward(
        self, encoded: Tensor, frame_lengths: Tensor, labels: Tensor, label_lengths: Tensor
    ) -> LossSum:
        """Return the loss of labelled utterances.

        Args:
            encoded: Encoder output, [B, T, D].
            frame_lengths: Frames of each utterance, [B].
            labels: Index of the class of each, [B, 1].
            label_lengths: Not used, [B].
        """
        dtype = sum_dtype(encoded)
        logits = self.decoder(encoded, frame_lengths)
        classes = labels[:, 0]
        total = cross_entropy(logits, classes, self.weights.to(logits), reduction="none").sum()
        correct = (logits.detach().argmax(dim=-1) == classes).sum()
        count = total.new_tensor(len(classes), dtype=dtype)
        return LossSum(total.to(dtype), count, correct.to(dtype), len(classes))

    def log_probabilities(self, encoded: Tensor, frame_lengths: Tensor) -> Tensor:
        """Return the log probability of each class, [B, C].

        Args:
            encoded: Encoder output, [B, T, D].
            frame_lengths: Frames of each utterance, [B].
        """
        logits: Tensor = self.decoder(encoded, frame_lengths)
        return logits.log_softmax(dim=-1)
