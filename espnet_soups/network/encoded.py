"""Encoding of the labelled utterances of a mini-batch: by language, by length, or all at once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.nn import Module
from torch.nn.functional import pad
from torch.nn.modules.batchnorm import _BatchNorm

from espnet_soups.network.batch import Batch
from espnet_soups.network.positions import positions

ENCODINGS = ("auto", "per_language", "pooled")
# What one more pass of the encoder must save, as a share of the mini-batch. On a GPU, a pass of a
# small model costs nearly the same whatever its size.
LEAST_SAVED, LEAST_SAVED_GPU = 0.06, 0.5

EncodeSpeech = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
EncodeBelow = Callable[[Tensor, Tensor], tuple[Tensor, Tensor | None, Tensor]]
EncodeAbove = Callable[[Tensor, Tensor | None, Tensor], Tensor]


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

    @cached_property
    def known(self) -> dict[int, int]:
        """Frames of each utterance by its position, for Python; a GPU is waited for."""
        return dict(zip(self.rows, self.lengths.tolist(), strict=True))

    def take(self, rows: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Return states and lengths of some of the utterances.

        Args:
            rows: Their positions in the mini-batch, a subset of `Encoded.rows`.

        Returns:
            (states [rows, T, D], lengths [rows]).
        """
        if len(rows) == len(self.rows):
            return self.states, self.lengths
        index = positions([self.rows.index(row) for row in rows], self.states.device)
        return self.states[index], self.lengths[index]


def encode_rows(
    batch: Batch,
    rows: Mapping[int, list[int]],
    encode: EncodeSpeech,
    groups: Sequence[Sequence[int]],
) -> dict[int, Encoded]:
    """Encode some utterances of a mini-batch.

    Args:
        batch: The mini-batch.
        rows: Positions of the utterances of each language; no list is empty.
        encode: The encoder.
        groups: Positions to encode at once; together those of `rows`, each once.

    Returns:
        The encoded utterances of each language.
    """
    parts = [Encoded(list(group), *encode(*batch.speech_of(list(group)))) for group in groups]
    return {language: _collect(chosen, parts) for language, chosen in rows.items()}


@dataclass(frozen=True)
class Hidden:
    """Utterances that have been encoded up to a layer, all languages and parts together.

    Attributes:
        groups: Those that were encoded at once; states are the input of the layer.
        places: Encoded positions for the longest of them, where attention takes relative ones.
        above: The layer and all above it.
    """

    groups: Sequence[Encoded]
    places: Tensor | None
    above: EncodeAbove

    def encode(self, batch: Batch, rows: Mapping[int, list[int]]) -> dict[int, Encoded]:
        """Encode some utterances to the end, language by language.

        So the gradient of an objective that is measured from the layer on passes no other language.

        Args:
            batch: The mini-batch, or a part of it.
            rows: Positions in it of the utterances of each language; no list is empty.
        """
        found = {}
        for language, chosen in rows.items():
            origin = chosen if batch.origin is None else [batch.origin[row] for row in chosen]
            own = _collect(origin, self.groups)
            states = self.above(own.states, self.places, own.lengths)
            found[language] = Encoded(chosen, states, own.lengths)
        return found


def encode_below(
    batch: Batch, below: EncodeBelow, above: EncodeAbove, groups: Sequence[Sequence[int]]
) -> Hidden:
    """Encode some utterances of a mini-batch up to a layer.

    Args:
        batch: The whole mini-batch.
        below: The encoder up to the layer: `TwoParts.run_below` behind what computes its input.
        above: The layer and all above it: `TwoParts.run_above`.
        groups: Positions to encode at once, each once.
    """
    parts, longest = [], None
    for group in groups:
        states, places, lengths = below(*batch.speech_of(list(group)))
        parts.append(Encoded(list(group), states, lengths))
        if places is not None and (longest is None or places.size(1) > longest.size(1)):
            longest = places
    return Hidden(parts, longest, above)


def _collect(rows: list[int], parts: Sequence[Encoded]) -> Encoded:
    """Return some of the encoded utterances, in the order of `rows`, as long as their longest."""
    wanted = set(rows)
    found = []
    for part in parts:
        own = [row for row in part.rows if row in wanted]
        if own == rows == part.rows:
            return part
        if own:
            index = positions([part.rows.index(row) for row in own], part.lengths.device)
            found.append(Encoded(own, part.states[index], part.lengths[index]))
    lengths = torch.cat([part.lengths for part in found])
    longest = max(part.known[row] for part in parts for row in part.rows if row in wanted)
    states = torch.cat(
        [pad(part.states, (0, 0, 0, longest - part.states.size(1))) for part in found]
    )
    order = [row for part in found for row in part.rows]
    if order != rows:
        index = positions([order.index(row) for row in rows], lengths.device)
        states, lengths = states[index], lengths[index]
    return Encoded(rows, states, lengths)


def check_encoding(encoding: str) -> None:
    """Refuse a name that is not in `ENCODINGS`.

    Args:
        encoding: The setting `encoding` of the model.

    Raises:
        ValueError: If it is none of them.
    """
    if encoding not in ENCODINGS:
        raise ValueError(f"`encoding` must be one of {list(ENCODINGS)}, but got {encoding!r}.")


def group_rows(
    encoding: str, batch: Batch, rows: Mapping[int, list[int]], encoder: Module, measured: bool
) -> list[list[int]]:
    """Group the utterances that are encoded at once.

    Args:
        encoding: One of `ENCODINGS`.
        batch: The mini-batch.
        rows: Positions of the utterances of each language.
        encoder: The encoder; any BatchNorm in it must see all utterances at once.
        measured: Whether gradients of single objectives will be taken.

    Returns:
        Positions of each group.
    """
    together = sorted(row for chosen in rows.values() for row in chosen)
    if encoding == "auto" and any(isinstance(m, _BatchNorm) for m in encoder.modules()):
        encoding = "pooled"
    if encoding == "per_language" or (encoding == "auto" and measured):
        return list(rows.values())
    if encoding == "pooled" or not together:
        return [together] if together else []
    saved = LEAST_SAVED if batch.lengths.device.type == "cpu" else LEAST_SAVED_GPU
    return split_by_length(together, batch.known.frames, saved)


def split_by_length(
    rows: Sequence[int], lengths: Sequence[int], least_saved: float
) -> list[list[int]]:
    """Separate short utterances from long ones where that saves padding.

    Args:
        rows: Positions of the utterances.
        lengths: Frames or samples of all utterances of the mini-batch.
        least_saved: Saving that one more group requires, as a share of the utterances' own length.

    Returns:
        Positions of each group.

    >>> split_by_length([0, 1, 2, 3], [10, 90, 100, 12], 0.1)
    [[0, 3], [1, 2]]
    >>> split_by_length([0, 1, 2, 3], [95, 90, 100, 92], 0.1)
    [[0, 1, 2, 3]]
    """
    least = least_saved * sum(lengths[row] for row in rows)
    waiting = [sorted(rows, key=lambda row: lengths[row])]
    groups = []
    while waiting:
        group = waiting.pop()
        size, longest = len(group), lengths[group[-1]]
        saved = [k * (longest - lengths[group[k - 1]]) for k in range(size)]  # by cutting at k
        cut = max(range(size), key=saved.__getitem__)
        if saved[cut] > least:
            waiting += [group[:cut], group[cut:]]
        else:
            groups.append(sorted(group))
    return sorted(groups)
