"""The encoding of speech: the part of the model that objectives share."""

import inspect

import torch
from espnet2.asr.encoder.abs_encoder import AbsEncoder
from espnet2.asr.frontend.abs_frontend import AbsFrontend
from espnet2.asr.preencoder.abs_preencoder import AbsPreEncoder
from espnet2.asr.specaug.abs_specaug import AbsSpecAug
from espnet2.layers.abs_normalize import AbsNormalize
from espnet2.train.abs_espnet_model import AbsESPnetModel
from torch import Tensor
from torch.nn import Parameter


class EncodingModel(AbsESPnetModel):
    """An ESPnet model that encodes speech; subclasses add the losses.

    Args:
        frontend: ESPnet's frontend for raw audio; None where features come from disk.
        specaug: SpecAugment, or None.
        normalize: Feature normalisation, or None.
        preencoder: ESPnet's pre-encoder, or None.
        encoder: Any of ESPnet's encoders.
    """

    def __init__(
        self,
        frontend: AbsFrontend | None,
        specaug: AbsSpecAug | None,
        normalize: AbsNormalize | None,
        preencoder: AbsPreEncoder | None,
        encoder: AbsEncoder,
    ) -> None:
        super().__init__()
        self.frontend = frontend
        self.specaug = specaug
        self.normalize = normalize
        self.preencoder = preencoder
        self.encoder = encoder
        # ESPnet's encoders that make their own mask ask the GPU for the longest utterance
        self._takes_masks = "masks" in inspect.signature(encoder.forward).parameters

    def collect_feats(
        self, speech: Tensor, speech_lengths: Tensor, **_: Tensor | list[str]
    ) -> dict[str, Tensor]:
        """Return the features before normalisation, for ESPnet's statistics stage.

        Args:
            speech: Features [B, T, D] or samples [B, S].
            speech_lengths: Frames or samples of each utterance, [B].
            **_: Labels; they are ignored.

        Returns:
            `feats` [B, T, D] and `feats_lengths` [B].
        """
        speech = speech[:, : int(speech_lengths.max())]
        feats, lengths = self._extract(speech, speech_lengths)
        return {"feats": feats, "feats_lengths": lengths}

    def encode(
        self, speech: Tensor, speech_lengths: Tensor, augment: bool = True
    ) -> tuple[Tensor, Tensor]:
        """Encode speech.

        Args:
            speech: Features [B, T, D] or samples [B, S].
            speech_lengths: Frames or samples of each utterance, [B].
            augment: Whether SpecAugment is applied; only while training.

        Returns:
            (encoded [B, T', D'], frames of each utterance [B]).
        """
        return self.encode_features(*self.features(speech, speech_lengths, augment))

    def features(
        self, speech: Tensor, lengths: Tensor, augment: bool = True
    ) -> tuple[Tensor, Tensor]:
        """Return the input of the encoder: normalised features, with SpecAugment while training.

        Args:
            speech: Features [B, T, D] or samples [B, S].
            lengths: Frames or samples of each utterance, [B].
            augment: Whether SpecAugment is applied.

        Returns:
            (features [B, T, D], frames of each utterance [B]), in full precision.
        """
        with torch.autocast(speech.device.type, enabled=False):
            feats, lengths = self._extract(speech, lengths)
            if self.frontend is None:
                feats = feats.clone()  # ESPnet normalises and masks the batch itself
            if self.normalize is not None:
                feats, lengths = self.normalize(feats, lengths)
            # After normalisation, where a mask of zeros is the mean (ESPnet: before).
            if augment and self.specaug is not None and self.training:
                feats, lengths = self.specaug(feats, lengths)
        return feats, lengths

    def encode_features(self, feats: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Encode features.

        Args:
            feats: Normalised features, [B, T, D].
            lengths: Frames of each utterance, [B].

        Returns:
            (encoded [B, T', D'], frames of each utterance [B]).
        """
        feats, lengths = self.before_encoder(feats, lengths)
        options = {"masks": padding_mask(feats, lengths)} if self._takes_masks else {}
        encoded, lengths, _ = self.encoder(feats, lengths, **options)
        if isinstance(encoded, tuple):  # encoders with intermediate CTC
            encoded = encoded[0]
        return encoded, lengths

    def before_encoder(self, feats: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Pass features through the pre-encoder, if there is one.

        Args:
            feats: Normalised features, [B, T, D].
            lengths: Frames of each utterance, [B].
        """
        if self.preencoder is not None:
            feats, lengths = self.preencoder(feats, lengths)
        return feats, lengths

    def encoding_parameters(self) -> list[Parameter]:
        """Return the parameters of front end, pre-encoder and encoder."""
        modules = (self.frontend, self.preencoder, self.encoder)
        return [p for module in modules if module is not None for p in module.parameters()]

    def _extract(self, speech: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        if self.frontend is None:
            return speech, lengths
        feats, feats_lengths = self.frontend(speech, lengths)
        return feats, feats_lengths


def padding_mask(feats: Tensor, lengths: Tensor) -> Tensor:
    """Return which frames are padding, bool [B, T].

    Args:
        feats: Padded features, [B, T, D].
        lengths: Frames of each utterance, [B].
    """
    return torch.arange(feats.size(1), device=lengths.device) >= lengths.unsqueeze(1)
