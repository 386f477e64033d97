"""Make steps as others do: by the published scripts, and by TorchJD's documented loop."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter

from espnet_soups.network.msp_model import MSPModel
from espnet_soups.weighting.combiner import Shown
from espnet_soups.weighting.modo import MoDo
from tools.benchmark.batches import take_language
from tools.benchmark.modes import StepMode
from tools.benchmark.spec import BenchSpec


class PublishedStep(StepMode):
    """Step of the published scripts.

    Each objective has a forward and a backward of its own on each of two batches; the weights move;
    the backbone gets the weighted sum; one more pass serves the heads.
    """

    batches_per_update = 2

    def __init__(self, spec: BenchSpec, options: Mapping[str, Any], device: str = "cpu") -> None:
        super().__init__(spec, options, device)
        self.combiner = MoDo()
        size = len(self.model.objectives)
        self.weights = torch.full((size,), 1.0 / size, device=device)
        self.backbone, self.heads = split_parameters(self.model)

    def set_gradients(self, batches: Sequence[dict[str, Tensor]]) -> None:
        """Measure every objective on both batches, then set the gradients of backbone and heads.

        Args:
            batches: The two mini-batches of the update.
        """
        first, second = (torch.stack(self._rows(batch)) for batch in batches)
        shown = Shown(gram=first @ second.T, losses=torch.zeros_like(self.weights))
        self.weights, _ = self.combiner(self.weights, shown, {})
        loss = self.model(**batches[0])[0]
        gradients = torch.autograd.grad(loss, self.heads, allow_unused=True)
        for parameter, gradient in zip(self.heads, gradients, strict=True):
            parameter.grad = gradient
        direction, offset = self.weights @ first, 0
        for parameter in self.backbone:
            part = direction[offset : offset + parameter.numel()]
            parameter.grad = part.view_as(parameter).clone()
            offset += parameter.numel()

    def measured_parameters(self) -> Sequence[Parameter]:
        """Return the whole backbone."""
        return self.backbone

    def _rows(self, batch: dict[str, Tensor]) -> list[Tensor]:
        rows = []
        for objective in self.model.objectives:
            language = self.model.languages.index(objective.language)
            part = take_language(batch, language, objective.label)
            loss = self.model(**part)[0]
            gradients = torch.autograd.grad(loss, self.backbone, allow_unused=True)
            rows.append(flatten(gradients, self.backbone))
        return rows


class TorchJDStep(StepMode):
    """Step of MoDo as TorchJD documents it: two Jacobians, then a weighted backward over both."""

    batches_per_update = 2

    def __init__(self, spec: BenchSpec, options: Mapping[str, Any], device: str = "cpu") -> None:
        from torchjd.aggregation import MoDoWeighting

        super().__init__(spec, options, device)
        self.weighting = MoDoWeighting(gamma=0.01, rho=0.0)
        self.weights = torch.empty(0)
        self.backbone, _ = split_parameters(self.model)

    def set_gradients(self, batches: Sequence[dict[str, Tensor]]) -> None:
        """Follow the example of `MoDoWeighting` with two batches per step.

        Args:
            batches: The two mini-batches of the update.
        """
        from torchjd.autojac import jac

        losses, jacobians = [], []
        for batch in batches:
            values = self.model.objective_losses(**batch)
            losses.append(torch.stack(values))
            # One row at a time: CTC and the decoders have no batched backward.
            parts = jac(values, self.backbone, retain_graph=True, parallel_chunk_size=1)
            jacobians.append(torch.cat([part.flatten(1) for part in parts], dim=1))
        self.weights = self.weighting(jacobians[0] @ jacobians[1].T)
        ((losses[0] + losses[1]) / 2.0).backward(self.weights)

    def measured_parameters(self) -> Sequence[Parameter]:
        """Return the whole backbone."""
        return self.backbone


def split_parameters(model: MSPModel) -> tuple[list[Parameter], list[Parameter]]:
    """Return the parameters of the backbone, and all others.

    Args:
        model: The model.
    """
    shared = tuple(f"{prefix}." for prefix in model.shared_modules)
    named = [(name, value) for name, value in model.named_parameters() if value.requires_grad]
    backbone = [value for name, value in named if name.startswith(shared)]
    return backbone, [value for name, value in named if not name.startswith(shared)]


def flatten(gradients: Sequence[Tensor | None], parameters: Sequence[Parameter]) -> Tensor:
    """Return gradients as one row, `(n,)`, with zeros for missing ones.

    Args:
        gradients: Gradient of each parameter; None: there is none.
        parameters: The parameters.
    """
    pairs = zip(gradients, parameters, strict=True)
    return torch.cat([(p.new_zeros(p.numel()) if g is None else g.reshape(-1)) for g, p in pairs])
