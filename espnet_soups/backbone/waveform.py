"""The frontend of encoders that read samples."""

from typing import ClassVar

from espnet2.asr.frontend.abs_frontend import AbsFrontend
from torch import Tensor


class WaveformFrontend(AbsFrontend):
    """Front end that passes samples on as they are.

    Args:
        fs: Sampling rate, Hz.

    Raises:
        ValueError: If it is not what the encoders behind it were made for.
    """

    rate: ClassVar[int] = 16000

    def __init__(self, fs: int = 16000) -> None:
        super().__init__()
        check_rate("waveform", fs)

    def output_size(self) -> int:
        """Return the numbers per sample: 1."""
        return 1

    def forward(self, input: Tensor, input_lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Return samples [B, L] and their numbers [B]."""
        return input, input_lengths


def check_rate(frontend: str, fs: int) -> None:
    """Refuse another sampling rate than that of wav2vec 2.0 and Whisper.

    Raises:
        ValueError: If it is another.
    """
    if fs != WaveformFrontend.rate:
        raise ValueError(
            f"`frontend: {frontend}` is for models that were trained at {WaveformFrontend.rate} Hz,"
            f" but the data have {fs} Hz: run the recipe with `--fs {WaveformFrontend.rate}"
            " --resample true`."
        )
