"""Self-attention with relative positions, with fewer passes over its scores."""

import torch
from espnet2.legacy.nets.pytorch_backend.transformer.attention import (
    RelPositionMultiHeadedAttention,
)
from torch import Tensor


class RelativeAttention(RelPositionMultiHeadedAttention):
    """ESPnet's attention with relative positions, computed head by head on a CPU.

    ESPnet copies the position scores to shift them, and the position embedding for each utterance;
    here the shift is a view, and all utterances are rows of one product.
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
        content = self._by_head(q + self.pos_bias_u)
        scores = torch.baddbmm(
            self._position_scores(q, pos_emb),
            content,
            self._by_head(k).transpose(1, 2),
            beta=self.d_k**-0.5,
            alpha=self.d_k**-0.5,
        ).view(self.h, batch, frames, frames)
        if mask is not None:
            with torch.no_grad():  # softmax has no gradient where its result is 0
                scores.masked_fill_(mask.eq(0), torch.finfo(scores.dtype).min)
        weights = scores.softmax(dim=-1)
        self.attn = weights.transpose(0, 1)  # for ESPnet's plots, [B, H, T, T]
        seen = torch.bmm(self.dropout(weights).flatten(0, 1), self._by_head(v))
        together = seen.view(self.h, batch, frames, self.d_k).permute(1, 2, 0, 3)
        return self.linear_out(together.reshape(batch, frames, size))  # type: ignore[no-any-return]

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

    def _position_scores(self, q: Tensor, pos_emb: Tensor) -> Tensor:
        """Return the score of each distance, a view [H * B, T, T], of queries [B, T, H, d]."""
        batch, frames = q.shape[:2]
        width = 2 * frames - 1
        positions = self.linear_pos(pos_emb).view(width, self.h, self.d_k).permute(1, 2, 0)
        rows = (q + self.pos_bias_v).reshape(-1, self.h, self.d_k).transpose(0, 1)
        scores = torch.bmm(rows, positions)  # [H, B * T, 2 T - 1]
        # in row i, key j stands in column T - 1 - i + j
        shape, strides = (self.h * batch, frames, frames), (frames * width, width - 1, 1)
        return scores.as_strided(shape, strides, frames - 1)
