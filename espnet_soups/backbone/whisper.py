"""Whisper's encoder of Hugging Face transformers as an ESPnet encoder."""

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from espnet2.asr.encoder.abs_encoder import AbsEncoder
from torch import Tensor
from torch.nn.functional import dropout, gelu

from espnet_soups.backbone.freezing import freeze_backbone
from espnet_soups.backbone.hub import build_backbone, portable_settings, read_architecture


class WhisperEncoder(AbsEncoder):
    """Encoder of Whisper's log mel frames to one frame per 20 ms, whose cost follows their length.

    transformers' own `forward` requires 30 s, always. Here the same layers see the speech alone,
    and attention leaves padding out; Whisper was trained with silence up to 30 s, so its weights
    need some training to adapt. Its layers are `encoder.model.layers.<N>` in the whole model.

    Args:
        input_size: Numbers per frame, as `frontend: whisper_mel` returns them.
        model: Name on the Hugging Face hub, or a folder; None for random weights.
        architecture: Settings of transformers' `WhisperConfig` that replace those of `model`;
            without `model`, all that differ from its defaults.
        freeze: `none`, or `feature_extractor` (the two convolutions).
        trained_layers: Number of the top layers that learn; None for all.

    Raises:
        ValueError: If a setting is not valid, or the model cannot be loaded.

    Source:
        Radford et al., Robust Speech Recognition via Large-Scale Weak Supervision, 2022.
    """

    needs_frontend: ClassVar[str] = "whisper_mel"
    kinds: ClassVar[tuple[str, ...]] = ("whisper",)

    def __init__(
        self,
        input_size: int,
        model: str | None = None,
        architecture: Mapping[str, Any] | None = None,
        freeze: str = "none",
        trained_layers: int | None = None,
    ) -> None:
        super().__init__()
        config = read_architecture(model, architecture, self.kinds)
        if input_size != config.num_mel_bins:
            raise ValueError(
                f"`encoder: whisper_hf` reads {config.num_mel_bins} log mel numbers per frame, but"
                f" gets {input_size}: use `feats_type: raw`, `frontend: whisper_mel` and"
                f" `frontend_conf: {{n_mels: {config.num_mel_bins}}}`."
            )
        self.model = build_backbone(model, config, "sdpa").encoder
        convolutions = [self.model.conv1, self.model.conv2]
        top = [self.model.layer_norm]
        freeze_backbone(self.model, convolutions, self.model.layers, top, freeze, trained_layers)

    @classmethod
    def portable(cls, conf: Mapping[str, Any]) -> dict[str, Any]:
        """Return settings that build the encoder without the hub, once its weights are saved.

        Args:
            conf: Settings of the encoder.

        Raises:
            ValueError: If the model cannot be loaded.
        """
        return portable_settings(conf, cls.kinds)

    def output_size(self) -> int:
        """Return the dimension of its output."""
        return int(self.model.config.d_model)

    def forward(
        self, xs_pad: Tensor, ilens: Tensor, prev_states: Tensor | None = None
    ) -> tuple[Tensor, Tensor, None]:
        """Encode log mel frames.

        Outside of training, what is longer than the positions that Whisper has (30 s) is encoded in
        windows of that length, one after another.

        Args:
            xs_pad: Features, [B, T, num_mel_bins].
            ilens: Frames of each utterance, [B].
            prev_states: Not used.

        Returns:
            (encoded [B, T', D], frames of each utterance [B], None); two frames become one.

        Raises:
            ValueError: If an utterance is longer than these positions in training.
        """
        longest = 2 * self.model.config.max_source_positions
        if int(ilens.max()) > longest and not self.training:
            return self._in_windows(xs_pad, ilens, longest)
        if int(ilens.max()) > longest:
            raise ValueError(
                f"An utterance of {int(ilens.max()) / 100:.2f} s is longer than the"
                f" {longest / 100:g} s that Whisper has positions for: leave it out"
                f" (`--max_wav_duration {longest / 100:g}`) or cut it."
            )
        # Convolutions read neighbouring frames: those behind an utterance must always be 0.
        states = gelu(self.model.conv1(_silenced(xs_pad, ilens).transpose(1, 2)))
        states = gelu(self.model.conv2(_silenced(states.transpose(1, 2), ilens).transpose(1, 2)))
        states = states.transpose(1, 2)
        frames = (ilens - 1) // 2 + 1
        states = states + self.model.embed_positions.weight[: states.size(1)]
        states = dropout(states, self.model.dropout, self.training)
        attended = inside(states.size(1), frames)[:, None, None, :]
        for layer in self.model.layers:
            states = layer(states, attended)
        return self.model.layer_norm(states), frames, None

    def _in_windows(self, feats: Tensor, lengths: Tensor, size: int) -> tuple[Tensor, Tensor, None]:
        windows = []
        for start in range(0, int(lengths.max()), size):
            left = (lengths - start).clamp(0, size)
            here = left > 0  # shorter utterances have ended
            encoded, _, _ = self(feats[here, start : start + int(left.max())], left[here])
            window = encoded.new_zeros(len(lengths), *encoded.shape[1:])
            window[here] = encoded
            windows.append(window)
        return torch.cat(windows, dim=1), (lengths - 1) // 2 + 1, None


def inside(length: int, lengths: Tensor) -> Tensor:
    """Return a mask that is False in padding, bool [B, length].

    Args:
        length: Frames of the padded batch.
        lengths: Frames of each utterance, [B].
    """
    return torch.arange(length, device=lengths.device) < lengths.unsqueeze(1)


def _silenced(values: Tensor, lengths: Tensor) -> Tensor:
    return values.masked_fill(~inside(values.size(1), lengths).unsqueeze(2), 0.0)
