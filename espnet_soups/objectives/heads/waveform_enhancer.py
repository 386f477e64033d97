"""Head of enhancement for samples: a mask of their spectrogram."""

from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import pad

from espnet_soups.losses.si_sdr import si_sdr
from espnet_soups.objectives.heads.enhancing_head import Comparison, EnhancingHead
from espnet_soups.objectives.heads.spread import spread


class WaveformEnhancer(EnhancingHead):
    """Head that masks the spectrogram of noisy samples, by a linear layer on encoded frames.

    The loss is the negative SI-SDR in dB, summed over utterances.

    Args:
        encoder_size: Size of an encoded frame.
        n_fft: Window length, samples.
        hop_length: Shift of the window, samples, at most half of its length.
    """

    signed: ClassVar[bool] = True
    window: Tensor

    def __init__(self, encoder_size: int, n_fft: int = 512, hop_length: int = 128) -> None:
        super().__init__()
        self.n_fft, self.hop_length = n_fft, hop_length
        self.mask = torch.nn.Linear(encoder_size, n_fft // 2 + 1)
        self.register_buffer("window", torch.hann_window(n_fft), persistent=False)

    def compare(
        self, enhanced: Tensor, clean: Tensor, noisy: Tensor, lengths: Tensor
    ) -> Comparison:
        """Return the negative SI-SDR over utterances, and its gain."""
        ratios = si_sdr(enhanced, clean, lengths)
        gain = (ratios.detach() - si_sdr(noisy, clean, lengths)).mean()
        return Comparison(-ratios.sum(), ratios.new_tensor(len(ratios)), gain)

    def enhance(
        self, encoded: Tensor, frame_lengths: Tensor, speech: Tensor, lengths: Tensor
    ) -> Tensor:
        """Return enhanced samples, [B, S]; see `EnhancingHead.enhance`.

        Samples behind the end of an utterance must be 0; they never change those before it.
        """
        logits = self.mask(encoded)
        with torch.autocast(speech.device.type, enabled=False):
            # Silence follows the last sample, whatever the other utterances of the mini-batch.
            padded = pad(speech, (0, self.n_fft))
            window = self.window.to(speech)
            spectrum = torch.stft(
                padded,
                self.n_fft,
                self.hop_length,
                window=window,
                pad_mode="constant",
                return_complex=True,
            )
            frames = 1 + lengths // self.hop_length
            mask = spread(logits.to(speech.dtype), frame_lengths, frames, spectrum.size(-1))
            masked = spectrum * mask.sigmoid().transpose(1, 2)
            enhanced = torch.istft(
                masked, self.n_fft, self.hop_length, window=window, length=padded.size(1)
            )
        return enhanced[:, : speech.size(1)]
