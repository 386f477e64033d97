"""The optimiser `muon`: Muon for matrices of the backbone's blocks, AdamW for all else."""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

import torch
from torch.nn import Parameter

from espnet_soups.gradients.layers import NUMBERED

KEPT = ("lr", "weight_decay")  # what both kinds of groups have in common


class Muon(torch.optim.Optimizer):
    """PyTorch's Muon and AdamW as one optimiser, with one scheduler and one checkpoint.

    Muon makes the singular values of a matrix's update equal, so that it learns in all directions
    at the same speed. Its updates are scaled to the size of AdamW's, so both take the same learning
    rate.

    Args:
        params: Parameters, or groups of them. Groups with `matrices: True` hold matrices alone and
            follow Muon, all others follow AdamW.
        lr: Learning rate of both.
        weight_decay: Decoupled weight decay of both.
        momentum: Momentum of Muon.
        betas: Decay rates of AdamW's moments.
        eps: Term of AdamW's denominator.
        fused: Whether AdamW runs as one kernel; None: PyTorch decides.

    Raises:
        ValueError: If a value is out of range.

    Source:
        Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024; the size of
        updates: Liu et al., "Muon is Scalable for LLM Training", arXiv 2502.16982.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        weight_decay: float = 1e-2,
        momentum: float = 0.95,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        fused: bool | None = None,
    ) -> None:
        placeholder = [Parameter(torch.zeros(1, 1))]  # PyTorch builds no optimiser of nothing
        self._muon = torch.optim.Muon(
            placeholder, lr, weight_decay, momentum, adjust_lr_fn="match_rms_adamw"
        )
        self._adamw = torch.optim.AdamW(
            placeholder, lr, (betas[0], betas[1]), eps, weight_decay, fused=fused
        )
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay})

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group of parameters; see the class.

        Args:
            param_group: The group; what it does not set is set as for the whole optimiser.
        """
        inner = self._muon if param_group.get("matrices") else self._adamw
        super().add_param_group({"matrices": False, **inner.defaults, **param_group})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update all parameters that have a gradient.

        Args:
            closure: Function that computes the loss again, which is returned.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for inner, matrices in ((self._muon, True), (self._adamw, False)):
            # a checkpoint that was loaded has replaced both
            inner.param_groups = [g for g in self.param_groups if g["matrices"] == matrices]
            inner.state = self.state
            inner.step()
        return loss


def hidden_matrices(model: torch.nn.Module, modules: Sequence[str]) -> set[int]:
    """Return the `id` of every matrix for Muon: weights of linear layers inside numbered blocks.

    Input projections, embeddings and layers that score a vocabulary are in no block.

    Args:
        model: The model.
        modules: Names of the modules with such blocks. Heads of single objectives are left out, as
            there are many and each would add to every step.
    """
    prefixes = tuple(f"{name}." for name in modules)
    return {
        id(module.weight)
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear)
        and name.startswith(prefixes)
        and NUMBERED.match(name)
    }


def split_matrices(optimizer: Muon, matrices: Collection[int]) -> None:
    """Split each group of an optimiser into matrices, which follow Muon, and all else.

    Args:
        optimizer: The optimiser, before its first step; changed in place.
        matrices: `id` of every matrix.
    """
    groups = list(optimizer.param_groups)
    optimizer.param_groups.clear()
    for group in groups:
        settings = {name: group[name] for name in KEPT}
        for chosen in (True, False):
            members = [p for p in group["params"] if (id(p) in matrices) == chosen]
            if members:
                optimizer.add_param_group({"params": members, "matrices": chosen, **settings})
