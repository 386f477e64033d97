"""Greedy CTC decoding of a batch."""

from torch import Tensor

from espnet_soups.losses.ctc import greedy_tokens
from espnet_soups.objectives.decoding.head_scorers import FrameClassifier

Scored = tuple[list[int], float]


class GreedyDecoder:
    """Decoder that takes the best class of every frame, merges repeats and drops blanks.

    Args:
        ctc: Classifier of frames; class 0 is blank.
        sos_eos: Id of `<sos/eos>`, which is no part of a text.
    """

    def __init__(self, ctc: FrameClassifier, sos_eos: int) -> None:
        self.ctc = ctc
        self.sos_eos = sos_eos

    def __call__(self, encoded: Tensor, lengths: Tensor) -> list[list[Scored]]:
        """Decode utterances.

        Args:
            encoded: Encoder output, [B, T, D].
            lengths: Frames of each utterance, [B].

        Returns:
            For each utterance a list of one (token ids, log probability of the best path).
        """
        log_probs = self.ctc.log_softmax(encoded)
        best = log_probs.max(dim=-1).values
        sequences = greedy_tokens(log_probs, lengths)
        return [
            [([token for token in tokens if token != self.sos_eos], float(row[:length].sum()))]
            for tokens, row, length in zip(sequences, best, lengths.tolist(), strict=True)
        ]
