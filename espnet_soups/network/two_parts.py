"""An encoder in two parts: what lies below a layer, and that layer with all above it."""

from typing import Any

import torch
from espnet2.asr.encoder.conformer_encoder import ConformerEncoder
from espnet2.asr.encoder.e_branchformer_encoder import EBranchformerEncoder
from espnet2.asr.encoder.transformer_encoder import TransformerEncoder
from espnet2.legacy.nets.pytorch_backend.transformer.embedding import (
    LegacyRelPositionalEncoding,
)
from torch import Tensor
from torch.nn import Module
from torch.nn.modules.batchnorm import _BatchNorm

# Encoders of ESPnet whose forward pass is: embed, one layer after the other, norm.
LOOPED = (ConformerEncoder, EBranchformerEncoder, TransformerEncoder)
SPECIAL = ("interctc_layer_idx", "layer_drop_rate", "gradient_checkpoint_layers")


class _Arrived(Exception):  # noqa: N818  # not an error: it ends the lower part
    """The input of a layer, on its way out of the encoder."""


class TwoParts:
    """An encoder that is run up to a layer for some utterances, and from it on for others.

    Args:
        encoder: One of `LOOPED`, without intermediate CTC, dropped or checkpointed layers.
        layer: One of its layers, not the lowest.
    """

    def __init__(self, encoder: Module, layer: Module) -> None:
        self.encoder = encoder
        layers = list(encoder.encoders.children())  # type: ignore[union-attr]
        self.above = layers[layers.index(layer) :]

    def run_below(
        self, feats: Tensor, lengths: Tensor, masks: Tensor
    ) -> tuple[Tensor, Tensor | None, Tensor]:
        """Return the input of the layer.

        Args:
            feats: Normalised features, [B, T, D].
            lengths: Frames of each utterance, [B].
            masks: Which frames are padding, bool [B, T].

        Returns:
            (hidden states [B, T', D'], encoded positions [1, 2 T' - 1, D'] where attention takes
            relative ones, frames of each utterance [B]).

        Raises:
            RuntimeError: If the encoder does not come to the layer.
        """
        handle = self.above[0].register_forward_pre_hook(_arrive, prepend=True)
        try:
            self.encoder(feats, lengths, masks=masks)
        except _Arrived as arrived:
            states, mask = arrived.args
        else:
            raise RuntimeError("The encoder did not come to the layer that is measured.")
        finally:
            handle.remove()
        states, places = states if isinstance(states, tuple) else (states, None)
        return states, places, mask.squeeze(1).sum(1)

    def run_above(self, states: Tensor, places: Tensor | None, lengths: Tensor) -> Tensor:
        """Return the output of the encoder, [B, T', D'].

        Args:
            states: The input of the layer, [B, T', D'].
            places: Encoded positions, for as many frames as `states` has or more.
            lengths: Frames of each utterance, [B].
        """
        size = states.size(1)
        mask = torch.arange(size, device=lengths.device) < lengths.unsqueeze(1)
        value: Any = states
        if places is not None:
            middle = places.size(1) // 2
            value = (states, places[:, middle - size + 1 : middle + size])
        rest = mask.unsqueeze(1)
        for layer in self.above:
            value, rest = layer(value, rest)
        encoded: Tensor = value[0] if isinstance(value, tuple) else value
        if getattr(self.encoder, "normalize_before", True):
            encoded = self.encoder.after_norm(encoded)  # type: ignore[operator]
        return encoded


def _arrive(_: Module, arguments: tuple[Any, ...]) -> None:
    raise _Arrived(*arguments)


def in_two_parts(encoder: Module, layer: Module | None) -> TwoParts | None:
    """Return an encoder in two parts; None if it cannot be run so, or the lower part has no layer.

    Args:
        encoder: Any encoder of ESPnet.
        layer: The lowest layer of the upper part; None for no such layer.
    """
    if (
        layer is None
        or type(encoder) not in LOOPED
        or any(getattr(encoder, n, ()) for n in SPECIAL)
    ):
        return None
    if any(getattr(m, "stochastic_depth_rate", 0) for m in encoder.modules()):
        return None  # the halves of a measured step would skip the same layers
    # BatchNorm must see all utterances; the positions depend on the longest utterance
    if any(isinstance(m, _BatchNorm | LegacyRelPositionalEncoding) for m in encoder.modules()):
        return None
    layers = list(encoder.encoders.children())  # type: ignore[union-attr]
    return TwoParts(encoder, layer) if layer in layers[1:] else None
