"""Crops of utterances: a context and the frames that follow it."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Crops:
    """Positions of the crops.

    Attributes:
        rows: Utterances that are long enough, [N].
        starts: First frame of each context, [N].
        contexts: Frames of each context, [N]; the future follows directly.
        future: Frames of every future.
        shortened: Number of contexts that are shorter than the settings ask for.
        left_out: Number of utterances that are too short.
    """

    rows: Tensor
    starts: Tensor
    contexts: Tensor
    future: int
    shortened: int
    left_out: int

    def take_contexts(self, feats: Tensor) -> tuple[Tensor, Tensor]:
        """Return the contexts, padded with 0, and their lengths.

        Args:
            feats: Features, [B, T, D].

        Returns:
            (contexts [N, C, D], lengths [N]).
        """
        return _take(feats, self.rows, self.starts, self.contexts), self.contexts

    def take_futures(self, feats: Tensor) -> tuple[Tensor, Tensor]:
        """Return the frames that follow the contexts, and their lengths.

        Args:
            feats: Features, [B, T, D].

        Returns:
            (futures [N, F, D], lengths [N]).
        """
        lengths = torch.full_like(self.contexts, self.future)
        return _take(feats, self.rows, self.starts + self.contexts, lengths), lengths


def draw_crops(
    lengths: Tensor,
    context: int,
    future: int,
    shortest: int,
    generator: torch.Generator | None = None,
) -> Crops:
    """Draw one crop per utterance, with equal probability of all positions.

    Args:
        lengths: Frames of each utterance, [B].
        context: Frames of a context.
        future: Frames of a future.
        shortest: Smallest length of a context; an utterance without room for `context` gets all
            frames before its last `future` ones.
        generator: Source of the random numbers, on the CPU; None uses the global one.

    Returns:
        The crops, on the device of the lengths.
    """
    known = lengths.cpu()
    room = known - future
    rows = torch.nonzero(room >= shortest).flatten()
    contexts = room[rows].clamp(max=context)
    places = (room[rows] - contexts + 1).double()
    draws = torch.rand(len(rows), dtype=torch.double, generator=generator)
    starts = (draws * places).long()
    device = lengths.device
    return Crops(
        rows=rows.to(device),
        starts=starts.to(device),
        contexts=contexts.to(device),
        future=future,
        shortened=int((contexts < context).sum()),
        left_out=len(known) - len(rows),
    )


def _take(feats: Tensor, rows: Tensor, starts: Tensor, lengths: Tensor) -> Tensor:
    places = torch.arange(int(lengths.max()), device=feats.device)
    inside = places.unsqueeze(0) < lengths.unsqueeze(1)
    index = (starts.unsqueeze(1) + places).clamp(max=feats.size(1) - 1)
    taken = feats[rows.unsqueeze(1), index]
    return taken * inside.unsqueeze(-1).to(taken.dtype)
