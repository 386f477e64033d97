"""Cut a context and the frames that follow it out of every utterance."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Crops:
    """Where to cut.

    Attributes:
        rows: Utterances that are long enough, [N].
        starts: First frame of each context, [N].
        contexts: Frames of each context; the future follows at once, [N].
        future: Frames of every future.
        shortened: How many contexts are shorter than wanted.
        left_out: How many utterances are too short.
    """

    rows: Tensor
    starts: Tensor
    contexts: Tensor
    future: int
    shortened: int
    left_out: int

    def take_contexts(self, feats: Tensor) -> tuple[Tensor, Tensor]:
        """Return the contexts [N, C, D], padded with 0, and their lengths [N]."""
        return _take(feats, self.rows, self.starts, self.contexts), self.contexts

    def take_futures(self, feats: Tensor) -> tuple[Tensor, Tensor]:
        """Return the frames that follow [N, F, D] and their lengths [N]."""
        lengths = torch.full_like(self.contexts, self.future)
        return _take(feats, self.rows, self.starts + self.contexts, lengths), lengths


def draw_crops(
    lengths: Tensor,
    context: int,
    future: int,
    shortest: int,
    generator: torch.Generator | None = None,
) -> Crops:
    """Draw one crop per utterance, all positions alike.

    Args:
        lengths: Frames of each utterance, [B].
        context: Frames of a context.
        future: Frames of a future.
        shortest: Frames that a context has at least; an utterance without room for `context` gets
            what there is before its last `future` frames.
        generator: Of the draw, on the CPU; None: the global one.

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
