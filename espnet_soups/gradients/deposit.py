"""Reuse of measured gradients for the step: one backward pass per objective instead of two."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from espnet_soups.gradients.border import Border
from espnet_soups.gradients.gate import Gates
from espnet_soups.gradients.rows import fill_row


@dataclass(frozen=True)
class Inputs:
    """Tensors with respect to which losses are differentiated.

    Attributes:
        measured: Shared parameters that rows are taken on, n numbers in all.
        shared: Other shared parameters.
        own: Parameters of the heads.
        origins: Tensors that enter the cut, with the graph below it.
        leaves: The leaves that took their place.
        border: The border before the heads; open: the graph of a loss goes on into the encoder.
        owners: The objective of each parameter of the heads, if the border is closed.
    """

    measured: Sequence[Tensor]
    shared: Sequence[Tensor]
    own: Sequence[Tensor]
    origins: Sequence[Tensor] = ()
    leaves: Sequence[Tensor] = ()
    border: Border = field(default_factory=Border)
    owners: Sequence[int] = ()


def measure_and_deposit(
    losses: Sequence[Tensor],
    present: Sequence[bool],
    inputs: Inputs,
    gates: Gates,
    weigh_heads: bool = False,
) -> tuple[Tensor, list[Tensor]]:
    """Measure the gradient of every objective, and keep it for the backward pass.

    The losses that it returns have the same values and, backwards, the same gradients as behind the
    gates: the gradient of an objective with respect to shared parameters and to the tensors at the
    cut is multiplied by the objective's gate when the backward pass arrives. No graph above the cut
    is traversed a second time. Gates must be open.

    Args:
        losses: One scalar per objective.
        present: Whether the objective has a label; if not, its row is zero and its loss as it was.
        inputs: The tensors to differentiate with respect to.
        gates: The gates.
        weigh_heads: Whether gradients of heads are multiplied as well.

    Returns:
        (rows G in the dtype of the parameters [m, n], the losses).
    """
    size = sum(parameter.numel() for parameter in inputs.measured)
    rows = inputs.measured[0].new_zeros(len(losses), size)
    targets = [*inputs.measured, *inputs.shared, *inputs.leaves]
    # A frozen head without a label on this rank has a loss that is constant.
    here = [k for k, is_here in enumerate(present) if is_here and losses[k].requires_grad]
    used = [False] * len(inputs.measured)
    others: list[dict[int, Tensor]] = []
    first_own = len(targets) - len(inputs.measured)
    walk = _walk_heads_together if inputs.border.closed else _walk_heads_one_by_one
    for position, found, own in walk(losses, here, inputs, targets):
        fill_row(rows[position], inputs.measured, found)
        used = [u or g is not None for u, g in zip(used, found, strict=False)]
        further = dict(enumerate(found[len(used) :]))
        further |= {first_own + place: gradient for place, gradient in own.items()}
        others.append({index: one for index, one in further.items() if one is not None})
    if not here:
        return rows, list(losses)
    kept = _Kept(rows, here, gates, weigh_heads)
    tensors = kept.sort(inputs, used, others)
    deposited = _Deposit.apply(kept, [losses[position].detach() for position in here], *tensors)
    returned = dict(zip(here, deposited, strict=True))
    return rows, [returned.get(position, loss) for position, loss in enumerate(losses)]


# An objective, its gradients with respect to the targets, and by place to parameters of heads.
_Walked = Iterator[tuple[int, Sequence[Tensor | None], Mapping[int, Tensor | None]]]


def _walk_heads_one_by_one(
    losses: Sequence[Tensor], here: Sequence[int], inputs: Inputs, targets: Sequence[Tensor]
) -> _Walked:
    places = {id(parameter): place for place, parameter in enumerate(inputs.own)}
    for position in here:
        # All heads together are thousands of tensors, with which autograd takes long for each loss.
        near = sorted(places[leaf] for leaf in leaves_of(losses[position]) if leaf in places)
        found = torch.autograd.grad(
            losses[position],
            [*targets, *(inputs.own[place] for place in near)],
            retain_graph=True,
            allow_unused=True,
        )
        own = dict(zip(near, found[len(targets) :], strict=True))
        yield position, found[: len(targets)], own


def _walk_heads_together(
    losses: Sequence[Tensor], here: Sequence[int], inputs: Inputs, targets: Sequence[Tensor]
) -> _Walked:
    """Walk back through all heads at once, and from the border on objective by objective."""
    leaves = [leaf for position in here for leaf in inputs.border.leaves.get(position, ())]
    own_losses = [losses[position] for position in here]
    found = torch.autograd.grad(own_losses, [*targets, *leaves, *inputs.own], allow_unused=True)
    # zeros, where a rank has nothing to learn from and touches the encoder all the same
    touched, found = found[: len(targets)], found[len(targets) :]
    arrived = dict(zip(map(id, leaves), found, strict=False))
    own = list(enumerate(zip(inputs.owners, found[len(leaves) :], strict=True)))
    for position in here:
        pairs = [
            (origin, arrived[id(leaf)])
            for origin, leaf in zip(
                inputs.border.origins.get(position, ()),
                inputs.border.leaves.get(position, ()),
                strict=True,
            )
            if arrived[id(leaf)] is not None  # else it is of the other half
        ]
        gradients: Sequence[Tensor | None] = touched
        if pairs:
            origins, arriving = zip(*pairs, strict=True)
            gradients = torch.autograd.grad(
                origins, targets, arriving, retain_graph=True, allow_unused=True
            )
        yield position, gradients, {place: g for place, (owner, g) in own if owner == position}


def leaves_of(loss: Tensor) -> set[int]:
    """Return the `id` of each leaf that a loss was computed from.

    Args:
        loss: The loss, with its graph.

    >>> one, other = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
    >>> leaves_of((2 * one).sum()) == {id(one)}
    True
    """
    leaves: set[int] = set()
    seen, waiting = {loss.grad_fn}, [loss.grad_fn]
    while waiting:
        node = waiting.pop()
        if node is None:
            continue
        leaf = getattr(node, "variable", None)
        if leaf is not None:
            leaves.add(id(leaf))
        new = [following for following, _ in node.next_functions if following not in seen]
        seen.update(new)
        waiting += new
    return leaves


class _Kept:
    """The gradients of one mini-batch, and the weighted sums that the step takes."""

    def __init__(self, rows: Tensor, here: list[int], gates: Gates, weigh_heads: bool) -> None:
        self.rows, self.here, self.gates, self.weigh_heads = rows, here, gates, weigh_heads
        self.spans: list[tuple[int, int, torch.Size]] = []
        self.others: list[tuple[bool, list[tuple[int, Tensor]]]] = []

    def sort(
        self, inputs: Inputs, used: Sequence[bool], others: Sequence[Mapping[int, Tensor]]
    ) -> list[Tensor]:
        """Return the tensors that some objective has a gradient for; DDP waits for each of them."""
        tensors, start = [], 0
        for parameter, is_used in zip(inputs.measured, used, strict=True):
            if is_used:
                tensors.append(parameter)
                self.spans.append((start, start + parameter.numel(), parameter.shape))
            start += parameter.numel()
        receivers = [*inputs.shared, *inputs.origins, *inputs.own]
        first_own = len(receivers) - len(inputs.own)
        gathered: dict[int, list[tuple[int, Tensor]]] = {}
        for k, row in enumerate(others):
            for index, gradient in row.items():
                gathered.setdefault(index, []).append((k, gradient))
        for index in sorted(gathered):
            tensors.append(receivers[index])
            self.others.append((index < first_own or self.weigh_heads, gathered[index]))
        return tensors

    def weigh(self, arriving: Sequence[Tensor]) -> list[Tensor]:
        """Return the gradient of each tensor, for the gradient of each loss."""
        plain = torch.stack(list(arriving))
        weighed = torch.stack(
            [self.gates.weigh(one, k) for k, one in zip(self.here, arriving, strict=True)]
        )
        nothing, found = weighed.new_zeros(()), dict(zip(self.here, weighed, strict=True))
        whole = torch.stack([found.get(k, nothing) for k in range(len(self.rows))]).to(self.rows)
        with torch.autocast(whole.device.type, enabled=False):
            sums = whole @ self.rows
        gradients = [sums[start:stop].view(shape) for start, stop, shape in self.spans]
        for is_weighed, parts in self.others:
            factors = weighed if is_weighed else plain
            scaled = [gradient * factors[k].to(gradient) for k, gradient in parts]
            gradients.append(sum(scaled[1:], scaled[0]))
        return gradients


class _Deposit(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, kept: _Kept, values: list[Tensor], *_: Tensor) -> tuple[Tensor, ...]:
        ctx.kept = kept
        return tuple(value.clone() for value in values)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *arriving: Tensor) -> tuple[Tensor | None, ...]:
        kept, ctx.kept = ctx.kept, None  # autograd would keep it as long as the loss lives
        return None, None, *kept.weigh(arriving)
