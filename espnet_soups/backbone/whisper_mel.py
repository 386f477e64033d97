"""Whisper's log mel spectrogram, batched, on the device of the samples."""

import torch
from espnet2.asr.frontend.abs_frontend import AbsFrontend
from espnet2.legacy.nets.pytorch_backend.transformer.subsampling import TooShortUttError
from torch import Tensor
from torch.nn.functional import pad
from torchaudio.functional import melscale_fbanks

from espnet_soups.backbone.waveform import WaveformFrontend, check_rate

WINDOW, SHIFT = 400, 160  # samples
RANGE = 8.0  # powers of ten below the loudest number of an utterance


class WhisperMelFrontend(AbsFrontend):
    """Frontend of Whisper: one frame per 10 ms, for the length of the speech alone.

    The numbers are those of transformers' `WhisperFeatureExtractor`, without its padding to 30 s of
    silence. Padding of a mini-batch does not change them.

    Args:
        fs: Sampling rate, Hz.
        n_mels: Number of filters: 80, or 128 for Whisper large-v3.

    Raises:
        ValueError: If the sampling rate is not 16 kHz.

    Source:
        Radford et al., Robust Speech Recognition via Large-Scale Weak Supervision, 2022.
    """

    filters: Tensor
    window: Tensor

    def __init__(self, fs: int = 16000, n_mels: int = 80) -> None:
        super().__init__()
        check_rate("whisper_mel", fs)
        self.n_mels = n_mels
        with torch.device("cpu"):  # melscale_fbanks reads its result, which `meta` does not have
            filters = melscale_fbanks(
                WINDOW // 2 + 1, 0.0, fs / 2, n_mels, WaveformFrontend.rate, "slaney", "slaney"
            )
        self.register_buffer("filters", filters, persistent=False)
        self.register_buffer("window", torch.hann_window(WINDOW), persistent=False)

    def output_size(self) -> int:
        """Return the size of a frame."""
        return self.n_mels

    def forward(self, input: Tensor, input_lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Return features of samples.

        Args:
            input: Samples, [B, S].
            input_lengths: Samples of each utterance, [B].

        Returns:
            (features [B, T, n_mels], frames of each utterance [B]); padding is 0.

        Raises:
            TooShortUttError: If an utterance is shorter than half a window.
        """
        shortest = int(input_lengths.min())
        if shortest <= WINDOW // 2:
            raise TooShortUttError("shorter than half a window", shortest, WINDOW // 2)
        inside = torch.arange(input.size(1), device=input.device) < input_lengths.unsqueeze(1)
        samples = input.masked_fill(~inside, 0.0).to(self.filters.dtype)
        # The speech is followed by silence, as in training; two more frames than the speech has can
        # still hold some of it, and count for its loudest number.
        begin = pad(samples.unsqueeze(1), (WINDOW // 2, 0), mode="reflect").squeeze(1)
        samples = pad(begin, (0, WINDOW // 2 + 2 * SHIFT))
        spectrum = torch.stft(
            samples, WINDOW, SHIFT, window=self.window, center=False, return_complex=True
        )
        power = spectrum.abs().square().transpose(1, 2)
        log_mel = (power @ self.filters).clamp(min=1e-10).log10()
        loudest = log_mel.amax(dim=(1, 2), keepdim=True)
        feats = (torch.maximum(log_mel, loudest - RANGE) + 4.0) / 4.0
        frames = input_lengths // SHIFT
        feats = feats[:, : int(frames.max())]
        outside = torch.arange(feats.size(1), device=feats.device) >= frames.unsqueeze(1)
        return feats.masked_fill(outside.unsqueeze(2), 0.0), frames
