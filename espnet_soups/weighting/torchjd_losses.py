"""Combiners from TorchJD's scalarizers, which need losses only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from espnet_soups.weighting.combiner import Combiner, Shown, State, keep_mass
from espnet_soups.weighting.torchjd import read_options


@dataclass(frozen=True)
class Scalarizer:
    """Use of one of TorchJD's scalarizers.

    Attributes:
        kind: Name of its class.
        defaults: Options that TorchJD requires, with the values that we choose.
        preference: Whether it requires `weights`; uniform ones are used if none are given.
        learns: Whether it has learnt parameters, one per objective.
    """

    kind: str
    defaults: Mapping[str, Any] = field(default_factory=dict)
    preference: bool = False
    learns: bool = False


LOSS_SCALARIZERS: Mapping[str, Scalarizer] = {
    "cosmos": Scalarizer("COSMOS", {"lambda_": 1.0}, preference=True),
    "geometric_mean": Scalarizer("GeometricMean"),
    "imtl_l": Scalarizer("IMTLL", learns=True),
    "pbi": Scalarizer("PBI", {"theta": 5.0}, preference=True),
    "stch": Scalarizer("STCH", {"mu": 0.5}),
    "uw": Scalarizer("UW", learns=True),
}
LEARNING_RATE = 0.025


class TorchJDLosses(Combiner):
    """Combiner that weighs by the slope of one of TorchJD's scalarizers.

    A step on `S(losses)` is a step with the weights `dS / d losses`; these are clipped at zero and
    scaled to the mass of the level. They take effect in the next optimiser step. Parameters that a
    scalarizer learns take their own step of gradient descent: the optimiser of the model (its
    warm-up, decay and clipping) does not apply to them.

    Args:
        name: A key of `LOSS_SCALARIZERS`.
        options: Arguments of TorchJD's class; if it learns, also `lr`.

    Raises:
        ValueError: If `lr` is not positive.
    """

    measures = False
    needs_losses = True

    def __init__(self, name: str, options: Mapping[str, Any]) -> None:
        self.how = LOSS_SCALARIZERS[name]
        self.complete = self.how.learns or any(
            isinstance(value, Tensor) for value in options.values()
        )
        self.options = {**self.how.defaults, **options}
        self.lr = float(self.options.pop("lr", LEARNING_RATE))
        if not self.lr > 0:
            raise ValueError(f"`lr` of {name} must be positive, but got {self.lr}.")

    def __call__(self, weights: Tensor, shown: Shown, state: State) -> tuple[Tensor, State]:
        """Return the next weights; see `Combiner`."""
        losses = shown.losses.detach().to("cpu", torch.float64).requires_grad_()
        scalarizer = self._build(len(losses))
        if state:
            scalarizer.load_state_dict(dict(state))
        learnt = list(scalarizer.parameters())
        with torch.enable_grad():
            slope, *slopes = torch.autograd.grad(scalarizer(losses), [losses, *learnt])
        with torch.no_grad():
            for parameter, gradient in zip(learnt, slopes, strict=True):
                parameter -= self.lr * gradient
        following = {name: value.clone() for name, value in scalarizer.state_dict().items()}
        return keep_mass(slope, weights), following

    def _build(self, size: int) -> Any:
        import torchjd.scalarization

        options = dict(self.options)
        if self.how.learns:
            options["shape"] = size
        if self.how.preference and options.get("weights") is None:
            options["weights"] = torch.full((size,), 1.0 / size, dtype=torch.float64)
        return getattr(torchjd.scalarization, self.how.kind)(**options).double()


def loss_option_defaults(name: str) -> dict[str, Any]:
    """Return the options of a scalarizer with their defaults.

    Args:
        name: A key of `LOSS_SCALARIZERS`.
    """
    import torchjd.scalarization

    how = LOSS_SCALARIZERS[name]
    options = read_options(getattr(torchjd.scalarization, how.kind), how.defaults)
    return {**options, "lr": LEARNING_RATE} if how.learns else options
