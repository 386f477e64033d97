"""Cut a recording into pieces that a model decodes one by one, and decode them together."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from espnet_soups.data.silences import cut_at_silences, is_silent
from espnet_soups.inference.speech2text import Speech2Text
from espnet_soups.network.decoders import cut_batches
from espnet_soups.objectives.decoding.result import Result

# Seconds: 15 frames of 40 ms, the most that an encoder of ESPnet needs (`conv2d8`), and one more.
SHORTEST = 0.7


@dataclass(frozen=True)
class Pieces:
    """A recording, cut.

    Attributes:
        times: Begin and end of each piece, seconds, in order.
        prepared: What the encoder takes of each: features [T, D] or samples [samples].
        seconds: How long that lasts, with the silence behind a very short piece.
    """

    times: tuple[tuple[float, float], ...]
    prepared: tuple[torch.Tensor, ...]
    seconds: tuple[float, ...]


def cut_recording(
    speech2text: Speech2Text, samples: np.ndarray, rate: int, longest: float, name: str
) -> Pieces:
    """Cut a recording at silences and prepare its pieces.

    A piece that is very short gets silence behind it, so that no encoder refuses it; a recording
    that is as short stays as it is.

    Args:
        speech2text: The model.
        samples: In [-1, 1], [samples].
        rate: Their sampling rate, Hz.
        longest: Seconds of a piece at most.
        name: How messages call the recording.

    Raises:
        ValueError: If it is silent, or the model cannot take it.
    """
    if is_silent(samples):
        loudest = 20 * np.log10(max(float(np.max(np.abs(samples))), 1e-10))
        raise ValueError(
            f"{name} is silent: its loudest sample lies at {loudest:.0f} dB of full scale;"
            " look whether the right channel or device was recorded."
        )
    cuts = cut_at_silences(samples, rate, longest)
    pieces = [_long_enough(samples, a, b, rate) for a, b in cuts]
    try:
        prepared = tuple(speech2text.prepare(piece, rate) for piece in pieces)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error
    times = tuple((round(a / rate, 3), round(b / rate, 3)) for a, b in cuts)
    return Pieces(times, prepared, tuple(len(piece) / rate for piece in pieces))


def _long_enough(samples: np.ndarray, first: int, behind: int, rate: int) -> np.ndarray:
    """Return a piece, with silence behind it if it is so short that an encoder may refuse it."""
    piece = samples[first:behind]
    missing = int(SHORTEST * rate) - len(piece)
    whole = len(piece) == len(samples)
    return piece if whole or missing <= 0 else np.pad(piece, (0, missing))


def decode_pieces(
    speech2text: Speech2Text,
    prepared: Sequence[torch.Tensor],
    language: str,
    names: Collection[str],
) -> list[Result]:
    """Decode the pieces of a recording in batches of similar length.

    Args:
        speech2text: The model.
        prepared: What the encoder takes of each piece.
        language: The language that is spoken.
        names: The objectives to decode.

    Returns:
        A result for each piece, in the same order.

    Raises:
        ValueError: If the language is unknown.
    """
    keyed = {str(number): speech for number, speech in enumerate(prepared)}
    found: dict[str, Result] = {}
    shapes = {key: tuple(speech.shape) for key, speech in keyed.items()}
    for batch in cut_batches(shapes, speech2text.config):
        results = speech2text.decode_batch([keyed[key] for key in batch], language, names)
        found |= dict(zip(batch, results, strict=True))
    return [found[key] for key in keyed]
