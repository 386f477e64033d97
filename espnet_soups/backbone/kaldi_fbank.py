"""The features of stage 3, Kaldi's filterbanks with stacked frames, on the device of the audio."""

import torch
from espnet2.asr.frontend.abs_frontend import AbsFrontend
from torch import Tensor
from torch.nn.functional import pad
from torchaudio.compliance import kaldi

from espnet_soups.data.features import (
    FRAME_LENGTH_MS,
    FRAME_SHIFT_MS,
    FULL_SCALE,
    FeatureConfig,
    shortest_of,
)

# Frames that are made at once: what a cache holds (CPU), or 400 MB of intermediate results (GPU).
FRAMES = {False: 1024, True: 32768}


class KaldiFbankFrontend(AbsFrontend):
    """Frontend whose numbers are those of `feats_type: fbank`.

    A frame of Kaldi's depends on its own samples alone. So the mini-batch becomes one long waveform
    in which each utterance begins at a multiple of the shift, and torchaudio makes many frames at
    once.

    Args:
        fs: Sampling rate, Hz.
        num_mel_bins: Number of filters.
        stack: Number of neighbouring frames that become one.

    Raises:
        ValueError: If a setting is not positive, or 10 ms are no whole number of samples.
    """

    def __init__(self, fs: int = 16000, num_mel_bins: int = 80, stack: int = 4) -> None:
        super().__init__()
        self.config = FeatureConfig("fbank", fs, num_mel_bins, stack)
        if fs * FRAME_SHIFT_MS % 1000:
            raise ValueError(
                f"`frontend: kaldi_fbank` needs a whole number of samples in {FRAME_SHIFT_MS} ms,"
                f" but `fs` is {fs}: take features from disk (`--feats_type fbank`)."
            )
        self.shift = fs * FRAME_SHIFT_MS // 1000
        self.window = shortest_of(self.config)

    def output_size(self) -> int:
        """Return the size of a stacked frame."""
        return self.config.num_mel_bins * self.config.stack

    def forward(self, input: Tensor, input_lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Return features of samples.

        Args:
            input: Samples, [B, S].
            input_lengths: Samples of each utterance, [B]; what is shorter than a frame of 25 ms is
                filled up with silence.

        Returns:
            (features [B, T, num_mel_bins * stack], frames of each utterance [B]); padding is 0.
        """
        inside = torch.arange(input.size(1), device=input.device) < input_lengths.unsqueeze(1)
        samples = input.float().masked_fill(~inside, 0.0)
        frames = (input_lengths.clamp(min=self.window) - self.window) // self.shift + 1
        feats = self._frames(samples)[:, : int(frames.max())]
        return self._stack(feats, frames)

    def _frames(self, samples: Tensor) -> Tensor:
        """Return frames of 10 ms, [B, T, num_mel_bins]; those behind the speech mean nothing."""
        length = max(samples.size(1), self.window)
        row = -(-length // self.shift) * self.shift  # each utterance begins where a frame does
        filled = pad(samples, (0, row - samples.size(1)))
        together = max(1, FRAMES[samples.is_cuda] * self.shift // row)
        return torch.cat([self._fbank(part) for part in filled.split(together)])

    def _fbank(self, filled: Tensor) -> Tensor:
        """Return the frames of utterances that are as long as a whole number of shifts."""
        number, row = filled.shape
        feats = kaldi.fbank(
            pad(filled.reshape(1, -1), (0, self.window - self.shift)) * FULL_SCALE,
            num_mel_bins=self.config.num_mel_bins,
            sample_frequency=float(self.config.fs),
            frame_length=float(FRAME_LENGTH_MS),
            frame_shift=float(FRAME_SHIFT_MS),
            dither=0.0,
        )
        return feats.reshape(number, row // self.shift, -1)

    def _stack(self, feats: Tensor, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Stack frames as `data/features.py` does: the last one fills the last stack up."""
        stack, (number, _, bins) = self.config.stack, feats.shape
        stacks = -(-frames // stack)
        place = torch.arange(int(stacks.max()) * stack, device=feats.device).unsqueeze(0)
        source = torch.minimum(place, frames.unsqueeze(1) - 1)
        filled = feats.gather(1, source.unsqueeze(2).expand(-1, -1, bins))
        stacked = filled.reshape(number, -1, stack, bins).transpose(2, 3).flatten(2)
        outside = torch.arange(stacked.size(1), device=feats.device) >= stacks.unsqueeze(1)
        return stacked.masked_fill(outside.unsqueeze(2), 0.0), stacks
