"""ESPnet's Transformer decoder for a search, with keys and values that are computed once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from espnet2.asr.decoder.abs_decoder import AbsDecoder
from espnet2.asr.decoder.transformer_decoder import TransformerDecoder
from espnet2.legacy.nets.pytorch_backend.transformer.attention import MultiHeadedAttention
from espnet2.legacy.nets.pytorch_backend.transformer.decoder_layer import DecoderLayer
from espnet2.legacy.nets.scorer_interface import BatchScorerInterface
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from espnet_soups.objectives.heads.decoder_stack import stack_key


@dataclass(frozen=True)
class Read:
    """Keys and values of the tokens that hypotheses have read, by layer.

    Attributes:
        layers: For each layer (keys, values), both [N, H, L, d].
    """

    layers: tuple[tuple[Tensor, Tensor], ...]

    def take(self, rows: Tensor) -> "Read":
        """Return those of some hypotheses.

        Args:
            rows: Indices of the hypotheses, [M].
        """
        return Read(tuple((keys[rows], values[rows]) for keys, values in self.layers))


def join(states: Sequence[Read]) -> Read:
    """Return the states of single hypotheses as one.

    Args:
        states: The states, at least one, with as many tokens each.
    """
    layers = zip(*(state.layers for state in states), strict=True)
    return Read(
        tuple(
            (torch.cat([k for k, _ in layer]), torch.cat([v for _, v in layer])) for layer in layers
        )
    )


class CachedDecoder(BatchScorerInterface):
    """Transformer decoder that computes each key and value once in a search.

    ESPnet's own `batch_score` projects the speech of every hypothesis, and all tokens so far, anew
    in each step. Here the speech is projected once for an utterance, and a token once for a
    hypothesis. The numbers are the same up to rounding.

    Like ESPnet's CTC scorer it holds the speech of the search that began last.

    Args:
        decoder: A decoder for which `can_cache` is true.
        vocabulary: Number of tokens of the search.
    """

    def __init__(self, decoder: TransformerDecoder, vocabulary: int) -> None:
        self.decoder, self.vocabulary = decoder, vocabulary
        self.speech: list[tuple[Tensor, Tensor]] = []

    def batch_init_state(self, x: Tensor) -> None:
        """Begin a search.

        Args:
            x: Encoded speech of one utterance [T, D], or of several [B, T, D].
        """
        speech = x if x.dim() == 3 else x.unsqueeze(0)
        self.speech = [
            (_heads(layer.src_attn, "k", speech), _heads(layer.src_attn, "v", speech))
            for layer in self.decoder.decoders
        ]

    def select_state(self, state: Read | list[Read | None], i: int, new_id: Any = None) -> Any:
        """Return the state of one hypothesis.

        Args:
            state: State of the hypotheses.
            i: Index of the hypothesis.
            new_id: Id of the token that was added to it; it is ignored.
        """
        return state.take(torch.tensor([i])) if isinstance(state, Read) else state[i]

    def batch_select_state(self, state: Read, best_ids: Tensor) -> Read:
        """Return the states of the hypotheses that a step has kept.

        Args:
            state: State of the hypotheses before it.
            best_ids: For each utterance `hypothesis * V + token` of those that are kept, [B, H].
        """
        own = torch.div(best_ids, self.vocabulary, rounding_mode="trunc")
        first = torch.arange(len(own), device=own.device).unsqueeze(1) * own.size(1)
        return state.take((own + first).view(-1))

    def keep(self, state: Read, utterances: Tensor, rows: Tensor) -> Read:
        """Forget all but some utterances.

        Args:
            state: State of the hypotheses.
            utterances: Places of the utterances that stay, [B].
            rows: Places of their hypotheses, [N].

        Returns:
            The state of the hypotheses that stay.
        """
        self.speech = [(keys[utterances], values[utterances]) for keys, values in self.speech]
        return state.take(rows)

    def batch_score(
        self,
        ys: Tensor,
        states: Read | list[Any],
        xs: Tensor,
        xs_mask: Tensor | None = None,
    ) -> tuple[Tensor, Read]:
        """Score the next token of hypotheses: as many of each utterance, one after another.

        Args:
            ys: Token ids of the hypotheses, the start first, [N, L].
            states: Their state.
            xs: Encoded speech of each, [N, T, D]; it is ignored, see `batch_init_state`.
            xs_mask: False in padding, [N, 1, T]; None if there is none.

        Returns:
            (log probabilities of tokens [N, V], next state).
        """
        if isinstance(states, Read):
            before: list[Any] = list(states.layers)
        elif states[0] is None:
            before = [None] * len(self.decoder.decoders)
        else:
            before = list(join(states).layers)
        utterances = self.speech[0][0].size(0)
        seen = None if xs_mask is None else xs_mask[:: len(ys) // utterances].unsqueeze(1)
        values = self.decoder.embed(ys)[:, -1]
        layers = []
        for layer, speech, own in zip(self.decoder.decoders, self.speech, before, strict=True):
            values, kept = _step(layer, values, own, speech, seen)
            layers.append(kept)
        scores = self.decoder.output_layer(self.decoder.after_norm(values))
        return scores.log_softmax(dim=-1), Read(tuple(layers))


def can_cache(decoder: object) -> bool:
    """Return True if `CachedDecoder` computes what a decoder does.

    Args:
        decoder: The decoder of a head.
    """
    return isinstance(decoder, AbsDecoder) and stack_key(decoder) is not None


def _step(
    layer: DecoderLayer,
    values: Tensor,
    before: tuple[Tensor, Tensor] | None,
    speech: tuple[Tensor, Tensor],
    seen: Tensor | None,
) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """Return the output [N, D] of a layer for one token, and all keys and values so far."""
    attention, normed = layer.self_attn, layer.norm1(values).unsqueeze(1)
    keys, own = _heads(attention, "k", normed), _heads(attention, "v", normed)
    if before is not None:
        keys, own = torch.cat([before[0], keys], dim=2), torch.cat([before[1], own], dim=2)
    found = scaled_dot_product_attention(_heads(attention, "q", normed), keys, own)
    values = values + attention.linear_out(found.reshape(values.shape))
    attention, utterances = layer.src_attn, speech[0].size(0)
    normed = layer.norm2(values).view(utterances, -1, values.size(1))
    asked = scaled_dot_product_attention(_heads(attention, "q", normed), *speech, attn_mask=seen)
    values = values + attention.linear_out(asked.transpose(1, 2).reshape(values.shape))
    return values + layer.feed_forward(layer.norm3(values)), (keys, own)


def _heads(attention: MultiHeadedAttention, part: str, values: Tensor) -> Tensor:
    """Return queries, keys or values [B, H, L, d] of [B, L, D]."""
    product = getattr(attention, f"linear_{part}")(values)
    return product.view(*values.shape[:2], attention.h, attention.d_k).transpose(1, 2)
