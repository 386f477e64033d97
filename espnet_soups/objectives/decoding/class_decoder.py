"""Decoding of encoded speech to classes."""

from collections.abc import Sequence

from torch import Tensor

from espnet_soups.objectives.decoding.result import Hypothesis
from espnet_soups.objectives.heads.class_head import ClassHead


class ClassDecoder:
    """Decoder of the most likely classes of utterances.

    Args:
        head: The head.
        classes: Its classes, in order.
        nbest: Number of classes to return.
    """

    def __init__(self, head: ClassHead, classes: Sequence[str], nbest: int) -> None:
        self.head, self.classes = head, list(classes)
        self.nbest = min(nbest, len(self.classes))

    def __call__(self, encoded: Tensor, lengths: Tensor) -> list[tuple[Hypothesis, ...]]:
        """Return the n best classes of each utterance, best first, with log probabilities.

        Args:
            encoded: Encoder output, [B, T, D].
            lengths: Frames of each utterance, [B].
        """
        best = self.head.log_probabilities(encoded, lengths).topk(self.nbest, dim=-1)
        return [
            tuple(
                Hypothesis(self.classes[index], (self.classes[index],), (index,), score)
                for index, score in zip(indices, scores, strict=True)
            )
            for indices, scores in zip(best.indices.tolist(), best.values.tolist(), strict=True)
        ]
