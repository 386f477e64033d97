"""Self-attention with relative positions, with fewer passes over its scores."""

import torch
from espnet2.legacy.nets.pytorch_backend.transformer.attention import (
    RelPositionMultiHeadedAttention,
)
from torch import Tensor

QUERIES = 64  # in a block: fewer make small products, more score distances that no query has


class RelativeAttention(RelPositionMultiHeadedAttention):
    """ESPnet's attention with relative positions, computed head by head on a CPU.

    ESPnet copies the position scores to shift them, and the position embedding for each utterance;
    here the shift is a view, and all utterances are rows of one product. ESPnet scores all 2 T - 1
    distances for each query; here a block of queries is scored at a time, with the distances that
    any of them has. The weights are kept for ESPnet's plots in evaluation alone.
    """

    def forward(
        self, query: Tensor, key: Tensor, value: Tensor, pos_emb: Tensor, mask: Tensor | None
    ) -> Tensor:
        """Return the attended values, [B, T, D].

        Args:
            query: Queries, [B, T, D].
            key: Keys, [B, T, D].
            value: Values, [B, T, D].
            pos_emb: Embedding of the distances T - 1 to 1 - T, [1, 2 T - 1, D].
            mask: True for frames that may be attended to, [B, 1, T]; None for all.
        """
        if not self._applies(query, key, pos_emb, mask):
            return super().forward(query, key, value, pos_emb, mask)  # type: ignore[no-any-return]
        batch, frames, size = query.shape
        q, k, v = (part.transpose(1, 2) for part in self.forward_qkv(query, key, value))
        by_content, by_position = (
            self._by_head(q + bias).split(_block_size(frames), dim=1)
            for bias in (self.pos_bias_u, self.pos_bias_v)
        )
        distances = self.linear_pos(pos_emb).view(-1, self.h, self.d_k).permute(1, 2, 0)
        keys, values = self._by_head(k).transpose(1, 2), self._by_head(v)
        seen, attended, start = [], [], 0
        for content, position in zip(by_content, by_position, strict=True):
            scores = self._position_scores(position, distances, start)
            weights = self._weights(content, keys, scores, mask)
            seen.append(weights)
            attended.append(torch.bmm(self.dropout(weights).flatten(0, 1), values))
            start += content.size(1)
        self.attn = None if self.training else torch.cat(seen, dim=2).transpose(0, 1)
        together = torch.cat(attended, dim=1).view(self.h, batch, frames, self.d_k)
        together = together.permute(1, 2, 0, 3).reshape(batch, frames, size)
        return self.linear_out(together)  # type: ignore[no-any-return]

    def _applies(self, query: Tensor, key: Tensor, pos_emb: Tensor, mask: Tensor | None) -> bool:
        return (
            query.device.type == "cpu"
            and not torch.is_autocast_enabled("cpu")
            and query.shape == key.shape
            and pos_emb.shape[:2] == (1, 2 * query.size(1) - 1)
            and (mask is None or mask.size(1) == 1)
        )

    def _by_head(self, values: Tensor) -> Tensor:
        """Return [B, T, H, d] as [H * B, T, d]."""
        return values.permute(2, 0, 1, 3).reshape(-1, values.size(1), self.d_k)

    def _weights(
        self, queries: Tensor, keys: Tensor, position_scores: Tensor, mask: Tensor | None
    ) -> Tensor:
        """Return the weight of each key, [H, B, R, T].

        Args:
            queries: R queries in a row, [H * B, R, d].
            keys: Keys, [H * B, d, T].
            position_scores: What the distances add to the products of both, [H * B, R, T].
            mask: As in `forward`.
        """
        scale = self.d_k**-0.5
        scores = torch.baddbmm(position_scores, queries, keys, beta=scale, alpha=scale)
        scores = scores.view(self.h, -1, queries.size(1), keys.size(2))
        if mask is not None:
            with torch.no_grad():  # softmax has no gradient where its result is 0
                scores.masked_fill_(mask.eq(0), torch.finfo(scores.dtype).min)
        return scores.softmax(dim=-1)

    def _position_scores(self, queries: Tensor, distances: Tensor, start: int) -> Tensor:
        """Return the score of each distance, a view [H * B, R, T].

        Args:
            queries: R queries in a row, [H * B, R, d].
            distances: Embedding of the distances T - 1 to 1 - T, [H, d, 2 T - 1].
            start: Frame of the first of these queries.
        """
        several, count = queries.shape[:2]
        frames = (distances.size(2) + 1) // 2
        width = frames + count - 1  # the others are too far from all of these queries
        needed = distances.narrow(2, frames - start - count, width)
        scores = torch.bmm(queries.reshape(self.h, -1, self.d_k), needed)  # [H, B * R, width]
        # in row i, key j stands in column R - 1 - i + j
        shape, strides = (several, count, frames), (count * width, width - 1, 1)
        return scores.as_strided(shape, strides, count - 1)


def _block_size(frames: int) -> int:
    """Return the number of queries that are scored at once: about `QUERIES`, in equal blocks."""
    blocks = max(1, round(frames / QUERIES))
    return -(-frames // blocks)
