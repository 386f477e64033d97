"""The border between the shared encoder and the heads, where a measured step ends the graph."""

import torch
from torch import Tensor


class Border:
    """Ends of the graph at the inputs of the heads, while it is closed.

    Each tensor that enters a head is replaced by a leaf of the same values. Heads that share no
    parameter may then be computed, and differentiated, all together: the gradient that arrives at a
    leaf is that of one objective.

    Attributes:
        closed: Whether it ends the graph.
        origins: By objective, the tensors that entered its head, with the graph of the encoder.
        leaves: By objective, the leaves that took their place.

    >>> border = Border()
    >>> border.close()
    >>> x = torch.ones(1, requires_grad=True)
    >>> (border(x, 0) + 2 * border(x, 1)).backward()
    >>> x.grad is None, border.leaves[0][0].grad, border.leaves[1][0].grad
    (True, tensor([1.]), tensor([2.]))
    """

    def __init__(self) -> None:
        self.open()

    def open(self) -> None:
        """Let the graph pass, and forget the tensors that have come to the border."""
        self.closed = False
        self.origins: dict[int, list[Tensor]] = {}
        self.leaves: dict[int, list[Tensor]] = {}

    def close(self) -> None:
        """End the graph of all tensors that come from now on."""
        self.open()
        self.closed = True

    def __call__(self, values: Tensor, objective: int) -> Tensor:
        """Return what enters a head in place of encoded frames.

        Args:
            values: Encoded frames, any shape.
            objective: The objective, by its index.
        """
        if not (self.closed and values.requires_grad and torch.is_grad_enabled()):
            return values
        leaf = values.detach().requires_grad_()
        self.origins.setdefault(objective, []).append(values)
        self.leaves.setdefault(objective, []).append(leaf)
        return leaf
