"""Groups of heads whose losses are computed together."""

from collections.abc import Mapping, Sequence

from torch import Tensor

from espnet_soups.losses.loss_sum import LossSum
from espnet_soups.objectives.heads.head import Head, HeadInput


def losses_of_groups(
    heads: Sequence[Head],
    inputs: Mapping[int, Sequence[tuple[Tensor, ...]]],
    alone: bool = False,
) -> dict[int, LossSum]:
    """Return the losses of heads that are computed together, by position.

    Args:
        heads: All heads, in order.
        inputs: Inputs of the heads, by position, language by language. Heads are computed alone if
            they read several languages or more than a `HeadInput`, or have hooks or a `forward` of
            their own.
        alone: Whether each head is a group of its own: the same operations, which wait for a GPU
            less often than ESPnet's.
    """
    groups: dict[object, list[tuple[int, HeadInput]]] = {}
    for position, own in inputs.items():
        if len(own) == 1 and isinstance(own[0], HeadInput):
            key = heads[position].group_key()
            if key is not None and not _is_wrapped(heads[position]):
                group = (type(heads[position]), key, position if alone else None)
                groups.setdefault(group, []).append((position, own[0]))
    losses: dict[int, LossSum] = {}
    for members in groups.values():
        if alone or len(members) > 1:
            positions = [position for position, _ in members]
            own_heads = [heads[position] for position in positions]
            found = own_heads[0].losses_together(own_heads, [own for _, own in members])
            losses |= dict(zip(positions, found or [], strict=False))
    return losses


def _is_wrapped(head: Head) -> bool:
    """Return True if a module of a head is wrapped or has hooks, which a group would not call."""
    return "forward" in vars(head) or any(
        module._forward_hooks or module._forward_pre_hooks or module._backward_hooks
        for module in head.modules()
    )
