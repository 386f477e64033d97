"""Transformer decoders of one shape, computed together with stacked parameters."""

from collections.abc import Hashable, Sequence

import torch
from espnet2.asr.decoder.abs_decoder import AbsDecoder
from espnet2.asr.decoder.transformer_decoder import TransformerDecoder
from espnet2.legacy.nets.pytorch_backend.transformer.decoder_layer import DecoderLayer
from espnet2.legacy.nets.pytorch_backend.transformer.embedding import PositionalEncoding
from torch import Tensor
from torch.nn.functional import embedding, layer_norm, scaled_dot_product_attention


def stack_key(decoder: AbsDecoder) -> Hashable | None:
    """Return a key that decoders must share to be stacked; None if a decoder cannot be.

    Only ESPnet's Transformer decoder in its usual form can be: normalised before each part, without
    normalised queries, flash attention or checkpointed gradients.

    Args:
        decoder: The decoder of a head.
    """
    if type(decoder) is not TransformerDecoder or not decoder.normalize_before:
        return None
    embed, layers = decoder.embed, list(decoder.decoders or ())
    if (
        decoder.gradient_checkpoint_layers
        or decoder.output_layer is None
        or type(embed[0]) is not torch.nn.Embedding
        or type(embed[1]) is not PositionalEncoding
        or not layers
        or not all(_is_usual(layer) for layer in layers)
    ):
        return None
    shapes = tuple((name, value.shape, value.dtype) for name, value in decoder.named_parameters())
    attention = layers[0].self_attn, layers[0].src_attn
    rates = embed[1].dropout.p, layers[0].dropout.p, layers[0].feed_forward.dropout.p
    return shapes, rates, tuple((one.h, one.dropout_rate) for one in attention), decoder.training


def _is_usual(layer: DecoderLayer) -> bool:
    return not (
        layer.concat_after
        or not layer.normalize_before
        or layer.sequential_attn is not None
        or any(
            attention.use_flash_attn or not isinstance(attention.q_norm, torch.nn.Identity)
            for attention in (layer.self_attn, layer.src_attn)
        )
    )


class DecoderStack:
    """Stack of the parameters of G decoders for one forward pass with B utterances each.

    Args:
        decoders: Decoders with the same `stack_key`.
    """

    def __init__(self, decoders: Sequence[TransformerDecoder]) -> None:
        self.first = decoders[0]
        named = [dict(decoder.named_parameters()) for decoder in decoders]
        self.weights = {name: torch.stack([own[name] for own in named]) for name in named[0]}

    def logits(self, memory: Tensor, frame_lengths: Tensor, inputs: Tensor) -> Tensor:
        """Return the scores of each next token.

        Args:
            memory: Encoded speech, [G, B, T, D].
            frame_lengths: Frames of each utterance, at least 1, [G, B].
            inputs: Token ids, padded on the right with any id, [G, B, L].

        Returns:
            Scores [G, B, L, V]; those behind the end of an utterance's tokens are meaningless.
        """
        groups, batch, length = inputs.shape
        seen = torch.arange(memory.size(2), device=memory.device) < frame_lengths.unsqueeze(2)
        seen = seen.view(groups * batch, 1, 1, -1)
        offsets = torch.arange(groups, device=inputs.device).view(-1, 1, 1)
        table = self.weights["embed.0.weight"]
        ids = (inputs + offsets * table.size(1)).view(groups * batch, length)
        values = self.first.embed[1](embedding(ids, table.flatten(0, 1)))
        values = values.view(groups, batch * length, -1)
        frames = memory.flatten(1, 2)
        for number, layer in enumerate(self.first.decoders):
            values = self._layer(f"decoders.{number}", layer, values, frames, seen, batch)
        scores = self._linear("output_layer", self._normed("after_norm", values))
        return scores.view(groups, batch, length, -1)

    def _layer(
        self,
        name: str,
        layer: DecoderLayer,
        values: Tensor,
        frames: Tensor,
        seen: Tensor,
        batch: int,
    ) -> Tensor:
        """Return the output [G, B * L, D] of a layer, for frames [G, B * T, D]."""
        own = self._normed(f"{name}.norm1", values)
        heads, loss = layer.self_attn.h, layer.self_attn.dropout_rate if layer.training else 0.0
        found = self._attention(f"{name}.self_attn", own, own, None, batch, heads, loss)
        values = values + layer.dropout(found)
        own = self._normed(f"{name}.norm2", values)
        heads, loss = layer.src_attn.h, layer.src_attn.dropout_rate if layer.training else 0.0
        found = self._attention(f"{name}.src_attn", own, frames, seen, batch, heads, loss)
        values = values + layer.dropout(found)
        own = self._linear(f"{name}.feed_forward.w_1", self._normed(f"{name}.norm3", values))
        inner = layer.feed_forward.dropout(layer.feed_forward.activation(own))
        return values + layer.dropout(self._linear(f"{name}.feed_forward.w_2", inner))

    def _attention(
        self,
        name: str,
        asking: Tensor,
        asked: Tensor,
        seen: Tensor | None,
        batch: int,
        heads: int,
        rate: float,
    ) -> Tensor:
        """Return attended values, [G, B * L, D]; without a mask, a token sees those before it."""
        groups, rows, size = asking.shape

        def split(part: str, values: Tensor) -> Tensor:
            product = self._linear(f"{name}.linear_{part}", values)
            return product.view(groups * batch, -1, heads, size // heads).transpose(1, 2)

        found = scaled_dot_product_attention(
            split("q", asking),
            split("k", asked),
            split("v", asked),
            attn_mask=seen,
            dropout_p=rate,
            is_causal=seen is None,
        )
        return self._linear(f"{name}.linear_out", found.transpose(1, 2).reshape(groups, rows, size))

    def _linear(self, name: str, values: Tensor) -> Tensor:
        """Return the linear layer of each decoder on values [G, N, D]."""
        weight, bias = self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]
        return torch.baddbmm(bias.unsqueeze(1), values, weight.transpose(1, 2))

    def _normed(self, name: str, values: Tensor) -> Tensor:
        """Return the layer norm of each decoder on values [G, N, D]."""
        weight, bias = self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]
        normed = layer_norm(values, values.shape[-1:], eps=self.first.after_norm.eps)
        return torch.addcmul(bias.unsqueeze(1), normed, weight.unsqueeze(1))
