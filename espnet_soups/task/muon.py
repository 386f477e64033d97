"""The optimiser `muon`: Muon for matrices of the backbone's blocks, AdamW for all else."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter

from espnet_soups.backbone.cpu.processor import has_bfloat16
from espnet_soups.gradients.layers import NUMBERED

COEFFICIENTS = (3.4445, -4.775, 2.0315)  # of the polynomial a X + b X X' X + c (X X')^2 X
ITERATIONS = 5
CYCLING = ("onecyclelr", "cycliclr")
KEPT = ("lr", "weight_decay")  # what both kinds of groups have in common


class Muon(torch.optim.Optimizer):
    """Muon and AdamW as one optimiser, with one scheduler and one checkpoint.

    Muon makes the singular values of a matrix's update equal, so that it learns in all directions
    at the same speed. Its updates are scaled to the size of AdamW's, so both take the same learning
    rate.

    PyTorch's own Muon always computes in bfloat16, which takes 4 to 25 times as long on processors
    without bfloat16, and one matrix after the other. Here matrices of one shape go together, in
    float32 where that is faster.

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
        if not 0.0 <= momentum < 1.0:
            raise ValueError(f"Muon's momentum must be at least 0 and below 1, not {momentum}")
        placeholder = [Parameter(torch.zeros(1))]  # PyTorch builds no optimiser of nothing
        self._adamw = torch.optim.AdamW(
            placeholder, lr, (betas[0], betas[1]), eps, weight_decay, fused=fused
        )
        self._momentum = momentum
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay})

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group of parameters; see the class.

        Args:
            param_group: The group; what it does not set is set as for the whole optimiser.
        """
        matrices = param_group.get("matrices", False)
        defaults = {"momentum": self._momentum} if matrices else self._adamw.defaults
        super().add_param_group({"matrices": False, **defaults, **param_group})

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
        for group in self.param_groups:
            if group["matrices"]:
                self._step_matrices(group)
        # a checkpoint that was loaded has replaced both
        self._adamw.param_groups = [g for g in self.param_groups if not g["matrices"]]
        self._adamw.state = self.state
        self._adamw.step()
        return loss

    def _step_matrices(self, group: dict[str, Any]) -> None:
        lr, decay, momentum = (group[name] for name in ("lr", "weight_decay", "momentum"))
        for matrices in _by_shape([p for p in group["params"] if p.grad is not None]):
            for update, matrix in zip(
                orthogonalise(torch.stack([self._direction(p, momentum) for p in matrices])),
                matrices,
                strict=True,
            ):
                matrix.mul_(1 - lr * decay)
                matrix.add_(_turn(update, matrix), alpha=-lr * 0.2 * max(matrix.shape) ** 0.5)

    def _direction(self, matrix: Tensor, momentum: float) -> Tensor:
        """Return the gradient plus momentum, by Nesterov, with its longer side last."""
        state = self.state[matrix]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(matrix)
        mean = state["momentum_buffer"].lerp_(matrix.grad, 1 - momentum)
        return _turn(matrix.grad.lerp(mean, momentum), matrix)  # type: ignore[union-attr]


def orthogonalise(matrices: Tensor) -> Tensor:
    """Return the matrices with singular values between 0.5 and 1.5, in place of their own.

    Five Newton-Schulz iterations, in bfloat16 where the device has it, which is precise enough.

    Args:
        matrices: Matrices of one shape with the longer side last, [n, rows, columns].

    Source:
        Jordan et al., 2024, whose coefficients are used.
    """
    values = matrices.to(_precision(matrices.device.type, matrices.dtype))
    norms = torch.linalg.vector_norm(values, dim=(1, 2), keepdim=True)
    values = values / norms.clamp(min=1e-7)  # no singular value above 1
    for _ in range(ITERATIONS):
        gram = values @ values.mT
        change = torch.baddbmm(gram, gram, gram, beta=COEFFICIENTS[1], alpha=COEFFICIENTS[2])
        values = torch.baddbmm(values, change, values, beta=COEFFICIENTS[0])
    return values


def _precision(device: str, dtype: torch.dtype) -> torch.dtype:
    """Return the dtype in which products of matrices are fastest."""
    if device == "cuda":
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        fast = device == "cpu" and has_bfloat16()
    return torch.bfloat16 if fast else torch.promote_types(dtype, torch.float32)


def _turn(values: Tensor, matrix: Tensor) -> Tensor:
    """Return values transposed if the matrix has its longer side first."""
    return values.mT if matrix.size(0) > matrix.size(1) else values


def _by_shape(matrices: Iterable[Tensor]) -> list[list[Tensor]]:
    """Return matrices in lists of one device and one shape, either side first."""
    lists: dict[tuple[Any, ...], list[Tensor]] = {}
    for matrix in matrices:
        lists.setdefault((matrix.device, *sorted(matrix.shape)), []).append(matrix)
    return list(lists.values())


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


def check_scheduler(scheduler: str | None, conf: Mapping[str, Any]) -> None:
    """Refuse a scheduler that would change Muon's momentum.

    Args:
        scheduler: Its name in the YAML; None: there is none.
        conf: Its `scheduler_conf`.

    Raises:
        ValueError: If it cycles the momentum, as these schedulers do unless told otherwise.
    """
    if scheduler in CYCLING and conf.get("cycle_momentum", True):
        raise ValueError(
            f"`scheduler: {scheduler}` changes the momentum, which `optim: muon` keeps: add"
            " `cycle_momentum: false` to `scheduler_conf`."
        )
