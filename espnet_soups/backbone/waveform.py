"""Frontend of encoders that read samples."""

from typing import ClassVar

from espnet2.asr.frontend.abs_frontend import AbsFrontend
from torch import Tensor


class WaveformFrontend(AbsFrontend):
    """Frontend that passes samples on unchanged.

    Args:
        fs: Sampling rate, Hz.

    Raises:
        ValueError: If the rate is not that of the encoders, 16 kHz.
    """

    rate: ClassVar[int] = 16000

    def __init__(self, fs: int = 16000) -> None:
        super().__init__()
        check_rate("waveform", fs)

    def output_size(self) -> int:
        """Return the size of a frame: one number per sample."""
        return 1

    def forward(self, input: Tensor, input_lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Return samples and lengths unchanged.

        Args:
            input: Samples, [B, S].
            input_lengths: Samples of each utterance, [B].

        Returns:
            (samples [B, S], samples of each utterance [B]).
        """
        return input, input_lengths


def check_rate(frontend: str, fs: int) -> None:
    """Refuse a sampling rate other than that of wav2vec 2.0 and Whisper, 16 kHz.

    Args:
        frontend: Name of the frontend, for the message.
        fs: Sampling rate, Hz.

    Raises:
        ValueError: If the rate differs.
    """
    if fs != WaveformFrontend.rate:
        raise ValueError(
            f"`frontend: {frontend}` is for models that were trained at {WaveformFrontend.rate} Hz,"
            f" but the data have {fs} Hz: run the recipe with `--fs {WaveformFrontend.rate}"
            " --resample true`."
        )
