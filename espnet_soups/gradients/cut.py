"""A cut through the encoder: what lies below it is differentiated once, for all objectives."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module


class Cut:
    """Cut of the graph at the input of a layer, while it is set there.

    Each tensor that enters the layer is replaced by a leaf of the same values, so that
    gradients of single objectives stop there; `deposit` sends their weighted sum on.

    Args:
        layers: The layers at whose input it can be set.

    Attributes:
        origins: The tensors that entered the layer, in order, with the graph below it.
        leaves: The leaves that took their place.

    >>> layer = torch.nn.Linear(1, 1)
    >>> cut = Cut([layer])
    >>> cut.set(layer)
    >>> x = torch.ones(1, requires_grad=True)
    >>> layer(x).sum().backward()
    >>> x.grad is None, cut.leaves[0].grad is None
    (True, False)
    """

    def __init__(self, layers: Sequence[Module]) -> None:
        self.origins: list[Tensor] = []
        self.leaves: list[Tensor] = []
        self._layer: Module | None = None
        for layer in layers:
            layer.register_forward_pre_hook(self._enter, with_kwargs=True)

    def set(self, layer: Module | None) -> None:
        """Set the cut to a layer, or nowhere, and forget the tensors that it has cut.

        Args:
            layer: One of the layers; None for nowhere.
        """
        self._layer = layer
        self.origins, self.leaves = [], []

    def end(self) -> None:
        """Cut no more, and keep what was cut: checkpointed layers run again on the way back."""
        self._layer = None

    def _enter(
        self, layer: Module, arguments: tuple[Any, ...], named: dict[str, Any]
    ) -> tuple[Any, Any] | None:
        if layer is not self._layer or not torch.is_grad_enabled():
            return None
        return self._replace(arguments), self._replace(named)

    def _replace(self, value: Any) -> Any:
        if isinstance(value, Tensor) and value.requires_grad:
            self.origins.append(value)
            self.leaves.append(value.detach().requires_grad_())
            return self.leaves[-1]
        if isinstance(value, tuple) and type(value) is tuple:
            return tuple(self._replace(item) for item in value)
        if isinstance(value, dict):
            return {key: self._replace(item) for key, item in value.items()}
        return value
