"""Running means of row norms, and Gram matrices in which they are divided out."""

import torch
from torch import Tensor

from espnet_soups.gradients.gram import cross_gram
from espnet_soups.gradients.norms import next_norms, row_scales


class RunningNorms(torch.nn.Module):
    """Running means of row norms.

    Args:
        size: Number of objectives.
        divides: Whether Gram matrices are those of rows divided by their running mean.
    """

    values: Tensor
    steps: Tensor

    def __init__(self, size: int, divides: bool) -> None:
        super().__init__()
        self.divides = divides
        self.register_buffer("values", torch.zeros(size), persistent=False)
        self.register_buffer("steps", torch.zeros(size), persistent=False)

    def after(self, rows: Tensor, present: Tensor) -> tuple[Tensor, Tensor] | None:
        """Gives (means, steps) after some rows, both [m]; None: the rows are not finite."""
        values, steps = next_norms(self.values, self.steps, rows, present)
        return (values, steps) if torch.isfinite(values).all() else None

    def gram(self, pair: tuple[Tensor, Tensor], norms: tuple[Tensor, Tensor] | None) -> Tensor:
        """Gives the cross Gram of two sets of rows [m, n], by the norms that `after` gave."""
        scale = torch.ones_like(self.values)
        if self.divides and norms is not None:
            scale = row_scales(norms[0])
        return cross_gram(*pair, scale, scale)

    def set(self, norms: tuple[Tensor, Tensor]) -> None:
        """Sets what `after` gave, once the step has been made."""
        self.values.copy_(norms[0])
        self.steps.copy_(norms[1])

    def restart(self) -> None:
        """Lets the means start anew: rows of other layers have other norms."""
        self.steps.zero_()
