"""Encode the labelled utterances of a mini-batch, by language or all at once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import Module
from torch.nn.modules.batchnorm import _BatchNorm

from espnet_soups.network.batch import Batch

ENCODINGS = ("auto", "per_language", "pooled")
MOST_PADDING = 1.1  # `auto` keeps languages apart where more would be encoded at once

EncodeSpeech = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Encoded:
    """Encoded utterances of one language.

    Attributes:
        rows: Their positions in the mini-batch.
        states: Encoder output, [N, T, D].
        lengths: Frames of each, [N].
    """

    rows: list[int]
    states: Tensor
    lengths: Tensor

    def take(self, rows: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Return states [rows, T, D] and lengths [rows] of some of the utterances."""
        if len(rows) == len(self.rows):
            return self.states, self.lengths
        index = torch.tensor([self.rows.index(row) for row in rows], device=self.states.device)
        return self.states[index], self.lengths[index]


def encode_rows(
    batch: Batch, rows: Mapping[int, list[int]], encode: EncodeSpeech, pooled: bool
) -> dict[int, Encoded]:
    """Encode some utterances of a mini-batch.

    Args:
        batch: The mini-batch.
        rows: Positions of the utterances of each language; none of them empty.
        encode: The encoder.
        pooled: Whether all are encoded at once.

    Returns:
        The encoded utterances of each language.
    """
    if not pooled or not rows:
        return {
            language: Encoded(chosen, *encode(*batch.speech_of(chosen)))
            for language, chosen in rows.items()
        }
    together = sorted(row for chosen in rows.values() for row in chosen)
    states, lengths = encode(*batch.speech_of(together))
    encoded = {}
    for language, chosen in rows.items():
        index = torch.tensor([together.index(row) for row in chosen], device=lengths.device)
        kept = lengths[index]
        encoded[language] = Encoded(chosen, states[index, : int(kept.max())], kept)
    return encoded


def check_encoding(encoding: str) -> None:
    """Refuse a name that is not in `ENCODINGS`.

    Raises:
        ValueError: If it is not.
    """
    if encoding not in ENCODINGS:
        raise ValueError(f"`encoding` must be one of {list(ENCODINGS)}, but got {encoding!r}.")


def encodes_at_once(
    encoding: str, batch: Batch, rows: Mapping[int, list[int]], encoder: Module, measured: bool
) -> bool:
    """Return whether utterances of all languages are encoded at once.

    Args:
        encoding: One of `ENCODINGS`.
        batch: The mini-batch.
        rows: Positions of the utterances of each language.
        encoder: The encoder; BatchNorm in it must see all languages at once.
        measured: Whether gradients of single objectives will be taken.
    """
    if encoding != "auto" or not rows:
        return encoding == "pooled"
    if any(isinstance(module, _BatchNorm) for module in encoder.modules()):
        return True
    return not measured and _padding(batch, rows) <= MOST_PADDING


def _padding(batch: Batch, rows: Mapping[int, list[int]]) -> float:
    """Return the padded size of all utterances at once, by that of language by language."""
    lengths = batch.lengths.tolist()
    longest = {language: max(lengths[row] for row in chosen) for language, chosen in rows.items()}
    apart = sum(longest[language] * len(chosen) for language, chosen in rows.items())
    return max(longest.values()) * sum(map(len, rows.values())) / apart  # type: ignore[no-any-return]
