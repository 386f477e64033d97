"""wav2vec 2.0, XLS-R, HuBERT and WavLM of Hugging Face transformers as an ESPnet encoder."""

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from espnet2.asr.encoder.abs_encoder import AbsEncoder
from espnet2.legacy.nets.pytorch_backend.transformer.subsampling import TooShortUttError
from torch import Tensor

from espnet_soups.backbone.freezing import freeze_backbone
from espnet_soups.backbone.group_norm import UtteranceGroupNorm
from espnet_soups.backbone.hub import (
    build_backbone,
    portable_settings,
    read_architecture,
    waveform_is_normalised,
)

# Layer drop leaves layers without a gradient, which rows and DDP would have to handle.
DEFAULTS = {"layerdrop": 0.0}


class Wav2Vec2Encoder(AbsEncoder):
    """Encoder of samples at 16 kHz to one frame per 20 ms; padding does not change the result.

    Its layers are `encoder.model.encoder.layers.<N>` in the whole model. While training,
    transformers' own SpecAugment masks frames (`architecture: {mask_time_prob: 0.05}`).

    Args:
        input_size: Always 1, for samples, which `frontend: waveform` returns.
        model: Name on the Hugging Face hub, or a folder; None for random weights.
        architecture: Settings of transformers' configuration that replace those of `model`, e.g.
            `{mask_time_prob: 0.0}`; without `model`, all that differ from its class's defaults.
            `layerdrop` is 0 unless it is set here.
        freeze: `none`, or `feature_extractor` (the convolutions, as in the published recipes).
        trained_layers: Number of the top layers that learn; None for all.
        normalize_waveform: Whether to scale each utterance to mean 0 and variance 1; None for the
            way `model` was trained, and for true without `model`.

    Raises:
        ValueError: If a setting is not valid, or the model cannot be loaded.

    Source:
        Baevski et al., wav2vec 2.0, NeurIPS 2020; Babu et al., XLS-R, Interspeech 2022.
    """

    needs_frontend: ClassVar[str] = "waveform"
    kinds: ClassVar[tuple[str, ...]] = ("wav2vec2", "hubert", "wavlm")

    def __init__(
        self,
        input_size: int,
        model: str | None = None,
        architecture: Mapping[str, Any] | None = None,
        freeze: str = "none",
        trained_layers: int | None = None,
        normalize_waveform: bool | None = None,
    ) -> None:
        super().__init__()
        if input_size != 1:
            raise ValueError(
                "`encoder: wav2vec2_hf` reads samples, but gets features of dimension"
                f" {input_size}: use `feats_type: raw` and `frontend: waveform`."
            )
        config = read_architecture(model, _with_defaults(model, architecture), self.kinds)
        if getattr(config, "add_adapter", False):
            raise ValueError(
                f"The backbone {model or ''} ends in convolutions over time (add_adapter), which"
                " read padding: use one without, or `architecture: {add_adapter: false}`."
            )
        if normalize_waveform is None:
            normalize_waveform = model is None or waveform_is_normalised(model)
        self.normalize_waveform = normalize_waveform
        self.model = build_backbone(model, config)
        self.masks = bool(config.apply_spec_augment and config.mask_time_prob > 0)
        first = self.model.feature_extractor.conv_layers[0]
        self.time_norm: list[UtteranceGroupNorm] = []
        if isinstance(getattr(first, "layer_norm", None), torch.nn.GroupNorm):
            first.layer_norm = UtteranceGroupNorm(first.layer_norm)
            self.time_norm = [first.layer_norm]
        self._freeze(freeze, trained_layers)

    @classmethod
    def portable(cls, conf: Mapping[str, Any]) -> dict[str, Any]:
        """Return settings that build the encoder without the hub, once its weights are saved.

        Args:
            conf: Settings of the encoder.

        Raises:
            ValueError: If the model cannot be loaded.
        """
        model = conf.get("model")
        whole = _with_defaults(model, conf.get("architecture"))
        found = portable_settings({**conf, "architecture": whole}, cls.kinds)
        if model is not None and found.get("normalize_waveform") is None:
            found["normalize_waveform"] = waveform_is_normalised(model)
        return found

    def output_size(self) -> int:
        """Return the dimension of its output."""
        return int(self.model.config.hidden_size)

    def forward(
        self, xs_pad: Tensor, ilens: Tensor, prev_states: Tensor | None = None
    ) -> tuple[Tensor, Tensor, None]:
        """Encode samples.

        Args:
            xs_pad: Samples, [B, S].
            ilens: Samples of each utterance, [B].
            prev_states: Not used.

        Returns:
            (encoded [B, T, D], frames of each utterance [B], None).

        Raises:
            TooShortUttError: If an utterance has not enough samples for one frame.
        """
        frames = self.model._get_feat_extract_output_lengths(ilens)
        if int(frames.min()) < 1:
            raise TooShortUttError("too short for one frame", int(ilens.min()), self._shortest())
        inside = torch.arange(xs_pad.size(1), device=xs_pad.device) < ilens.unsqueeze(1)
        if self.normalize_waveform:
            xs_pad = normalise_waveform(xs_pad, ilens, inside)
        config = self.model.config
        for norm in self.time_norm:
            norm.frames = (ilens - config.conv_kernel[0]) // config.conv_stride[0] + 1
        options = {}
        if self.training and self.masks and int(frames.max()) <= config.mask_time_length:
            # transformers refuses to mask spans as long as the batch: such a batch has none
            padded = ilens.new_tensor(xs_pad.size(1))
            longest = int(self.model._get_feat_extract_output_lengths(padded))
            options["mask_time_indices"] = inside.new_zeros(len(frames), longest)
        output = self.model(xs_pad, attention_mask=inside.long(), **options)
        return output.last_hidden_state[:, : int(frames.max())], frames, None

    def _shortest(self) -> int:
        """Return the samples of one frame."""
        config = self.model.config
        samples = 1
        pairs = zip(reversed(config.conv_kernel), reversed(config.conv_stride), strict=True)
        for kernel, stride in pairs:
            samples = (samples - 1) * stride + kernel
        return samples

    def _freeze(self, freeze: str, trained_layers: int | None) -> None:
        extractor, transformer = self.model.feature_extractor, self.model.encoder
        top = [transformer.layer_norm] if self.model.config.do_stable_layer_norm else []
        freeze_backbone(self.model, [extractor], transformer.layers, top, freeze, trained_layers)
        if not any(parameter.requires_grad for parameter in extractor.parameters()):
            extractor._freeze_parameters()  # it then keeps no graph, either
        if not self.masks and hasattr(self.model, "masked_spec_embed"):
            self.model.masked_spec_embed.requires_grad_(False)  # nothing uses it


def _with_defaults(
    model: str | None, architecture: Mapping[str, Any] | None
) -> Mapping[str, Any] | None:
    if model is None and not architecture:
        return None
    return {**DEFAULTS, **(architecture or {})}


def normalise_waveform(samples: Tensor, lengths: Tensor, inside: Tensor) -> Tensor:
    """Scale each utterance to mean 0 and variance 1, and set padding to 0, [B, S].

    Args:
        samples: Samples, [B, S].
        lengths: Samples of each utterance, [B].
        inside: False in padding, bool [B, S].
    """
    count = lengths.unsqueeze(1)
    mean = samples.masked_fill(~inside, 0.0).sum(dim=1, keepdim=True) / count
    centred = (samples - mean).masked_fill(~inside, 0.0)
    variance = centred.square().sum(dim=1, keepdim=True) / count
    return centred * torch.rsqrt(variance + 1e-7)  # transformers' constant
