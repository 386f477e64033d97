"""Decoding of encoded and noisy speech to enhanced speech."""

from torch import Tensor

from espnet_soups.objectives.decoding.result import Hypothesis
from espnet_soups.objectives.heads.enhancing_head import EnhancingHead


class EnhancerDecoder:
    """Decoder of enhanced features or samples, as arrays; one hypothesis, without a score.

    Args:
        head: The head.
    """

    def __init__(self, head: EnhancingHead) -> None:
        self.head = head

    def __call__(
        self, encoded: Tensor, lengths: Tensor, speech: Tensor, speech_lengths: Tensor
    ) -> list[tuple[Hypothesis, ...]]:
        """Return the enhanced speech of each utterance.

        Args:
            encoded: Encoder output, [B, T', D].
            lengths: Encoded frames of each utterance, [B].
            speech: Noisy features [B, T, F] or samples [B, S].
            speech_lengths: Frames or samples of each utterance, [B].
        """
        enhanced = self.head.enhance(encoded, lengths, speech, speech_lengths).float().cpu()
        return [
            (Hypothesis("", (), (), 0.0, array=row[:length].numpy()),)
            for row, length in zip(enhanced, speech_lengths.tolist(), strict=True)
        ]
