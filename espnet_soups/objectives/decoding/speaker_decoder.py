"""Decoding of encoded speech to embeddings of speakers."""

from torch import Tensor

from espnet_soups.objectives.decoding.result import Hypothesis
from espnet_soups.objectives.heads.speaker_head import SpeakerHead


class SpeakerDecoder:
    """Decoder of the embeddings of utterances.

    It names no speaker: those of a test set differ from those of training, and the nearest of these
    would look like an answer.

    Args:
        head: The head.
    """

    def __init__(self, head: SpeakerHead) -> None:
        self.head = head

    def __call__(self, encoded: Tensor, lengths: Tensor) -> list[tuple[Hypothesis, ...]]:
        """Return one hypothesis per utterance: its `array` is the embedding, float32 [E].

        Args:
            encoded: Encoder output, [B, T, D].
            lengths: Frames of each utterance, [B].
        """
        embeddings = self.head.embed(encoded, lengths).float().cpu().numpy()
        return [(Hypothesis("", (), (), 0.0, array=array),) for array in embeddings]
