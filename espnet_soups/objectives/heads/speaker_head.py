"""Head of speaker verification: pooling over frames, an embedding, additive angular margin."""

import torch
from espnet2.spk.loss.aamsoftmax import AAMSoftmax
from espnet2.spk.pooling.abs_pooling import AbsPooling
from espnet2.spk.pooling.chn_attn_stat_pooling import ChnAttnStatPooling
from espnet2.spk.pooling.mean_pooling import MeanPooling
from espnet2.spk.pooling.stat_pooling import StatsPooling
from torch import Tensor

from espnet_soups.losses.loss_sum import LossSum, sum_dtype
from espnet_soups.objectives.heads.head import Head

POOLINGS = {"mean": MeanPooling, "stats": StatsPooling, "attention": ChnAttnStatPooling}


class FrameNorm(torch.nn.LayerNorm):
    """Layer norm over the channels of each frame.

    It replaces the batch norm in ESPnet's attentive pooling, whose statistics count padding and
    differ between independent parts of a mini-batch and between ranks.
    """

    def forward(self, values: Tensor) -> Tensor:
        """Return the normalised values, [B, C, T].

        Args:
            values: Frames, [B, C, T].
        """
        return super().forward(values.transpose(1, 2)).transpose(1, 2)


class SpeakerHead(Head):
    """Head that maps utterances to embeddings that tell speakers apart.

    It computes in float32 or higher even under autocast: with a scale of 30, the loss depends on
    the third digit of a cosine.

    Args:
        input_size: Size of an encoded frame, D.
        pooling: `mean`, `stats` (mean and standard deviation), or `attention` (both, weighted by an
            attention per channel).
        embedding_size: Size of an embedding, E.
        speakers: Number of speakers in the training set.
        margin: Angle, in radians, by which the correct speaker must be closer than the others.
        scale: Factor of the cosines.

    Source: Desplanques et al. (2020), ECAPA-TDNN; Deng et al. (2019), ArcFace, as ESPnet has them.
    """

    def __init__(
        self,
        input_size: int,
        pooling: str,
        embedding_size: int,
        speakers: int,
        margin: float,
        scale: float,
    ) -> None:
        super().__init__()
        self.pooling: AbsPooling = POOLINGS[pooling](input_size)
        if isinstance(self.pooling, ChnAttnStatPooling):
            self.pooling.attention[2] = FrameNorm(self.pooling.attention[2].num_features)
        self.projector = torch.nn.Linear(self.pooling.output_size(), embedding_size)
        self.loss = AAMSoftmax(embedding_size, speakers, margin, scale)  # type: ignore[arg-type]
        self.loss.ce = torch.nn.CrossEntropyLoss(reduction="sum")  # ESPnet's is a mean

    def embed(self, encoded: Tensor, frame_lengths: Tensor) -> Tensor:
        """Return the embedding of each utterance, [B, E].

        Args:
            encoded: Encoder output, [B, T, D].
            frame_lengths: Frames of each utterance, [B].
        """
        with torch.autocast(encoded.device.type, enabled=False):
            frames = encoded.to(sum_dtype(encoded)).transpose(1, 2)
            embedding: Tensor = self.projector(self.pooling(frames, feat_lengths=frame_lengths))
        return embedding

    def forward(
        self, encoded: Tensor, frame_lengths: Tensor, labels: Tensor, label_lengths: Tensor
    ) -> LossSum:
        """Return the loss of labelled utterances; the accuracy is that without a margin.

        Args:
            encoded: Encoder output, [B, T, D].
            frame_lengths: Frames of each utterance, [B].
            labels: Index of the speaker of each, [B, 1].
            label_lengths: Not used, [B].
        """
        embedding = self.embed(encoded, frame_lengths)
        speakers = labels[:, 0]
        with torch.autocast(encoded.device.type, enabled=False):
            total, _, found = self.loss(embedding, speakers)
        count = embedding.new_tensor(len(speakers))
        return LossSum(total, count, (found == speakers).sum().to(count), len(speakers))
