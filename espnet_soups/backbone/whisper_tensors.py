"""Rename the tensors of a Whisper of CTranslate2 as transformers names them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

NORM = {"gamma": "weight", "beta": "bias"}
# Attention in CTranslate2: one matrix for the projections of one input, then that of the output.
SELF = (("linear_0", ("q_proj", "k_proj", "v_proj")), ("linear_1", ("out_proj",)))
CROSS = (("linear_0", ("q_proj",)), ("linear_1", ("k_proj", "v_proj")), ("linear_2", ("out_proj",)))


class WhisperTensors:
    """Tensors of a Whisper of CTranslate2 under the names of transformers, in float32.

    Args:
        tensors: Tensors by CTranslate2's names.
        path: Their file, for messages.
    """

    def __init__(self, tensors: Mapping[str, Tensor], path: Path) -> None:
        self.tensors, self.path = tensors, path

    def __getitem__(self, name: str) -> Tensor:
        if name not in self.tensors:
            raise ValueError(f"{self.path} lacks tensor {name}: it is not Whisper as published.")
        return self.tensors[name].float()

    def layers(self, side: str) -> int:
        """Return the number of layers of a side.

        Args:
            side: `encoder` or `decoder`.

        Raises:
            ValueError: If it has none.
        """
        prefix = f"{side}/layer_"
        names = [name for name in self.tensors if name.startswith(prefix)]
        numbers = {
            int(number)
            for name in names
            if (number := name.removeprefix(prefix).partition("/")[0]).isdigit()
        }
        if not numbers:
            raise ValueError(f"{self.path} has no layer of the {side}: it is no Whisper.")
        return max(numbers) + 1

    def all_of(self, config: Any) -> dict[str, Tensor]:
        """Return all tensors of the model.

        Args:
            config: transformers' configuration.

        Raises:
            ValueError: If one is missing.
        """
        found = {
            "model.decoder.embed_tokens.weight": self["decoder/embeddings/weight"],
            **self._named("encoder/conv1", "model.encoder.conv1"),
            **self._named("encoder/conv2", "model.encoder.conv2"),
        }
        for side, depth in (("encoder", config.encoder_layers), ("decoder", config.decoder_layers)):
            positions = self[f"{side}/position_encodings/encodings"]
            found[f"model.{side}.embed_positions.weight"] = positions
            found |= self._norm(f"{side}/layer_norm", f"model.{side}.layer_norm")
            for number in range(depth):
                old, new = f"{side}/layer_{number}", f"model.{side}.layers.{number}"
                found |= self._attention(f"{old}/self_attention", f"{new}.self_attn", SELF)
                if side == "decoder":
                    found |= self._attention(f"{old}/attention", f"{new}.encoder_attn", CROSS)
                found |= self._norm(f"{old}/ffn/layer_norm", f"{new}.final_layer_norm")
                found |= self._named(f"{old}/ffn/linear_0", f"{new}.fc1")
                found |= self._named(f"{old}/ffn/linear_1", f"{new}.fc2")
        return found

    def _named(self, old: str, new: str) -> dict[str, Tensor]:
        return {f"{new}.{part}": self[f"{old}/{part}"] for part in ("weight", "bias")}

    def _norm(self, old: str, new: str) -> dict[str, Tensor]:
        return {f"{new}.{name}": self[f"{old}/{part}"] for part, name in NORM.items()}

    def _attention(
        self, old: str, new: str, parts: tuple[tuple[str, tuple[str, ...]], ...]
    ) -> dict[str, Tensor]:
        """Return an attention with its layer norm; keys of Whisper have no bias."""
        found = self._norm(f"{old}/layer_norm", f"{new}_layer_norm")
        for layer, names in parts:
            for part, joint in self._named(f"{old}/{layer}", "").items():
                found |= {
                    f"{new}.{name}{part}": piece
                    for name, piece in zip(names, joint.chunk(len(names)), strict=True)
                    if (name, part) != ("k_proj", ".bias")
                }
        return found
