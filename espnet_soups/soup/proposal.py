"""The next weights if a step is made, from the measurements of its mini-batches."""

from dataclasses import dataclass

import torch

from espnet_soups.gradients.products import HalfProducts
from espnet_soups.gradients.signal import RunningSignal
from espnet_soups.soup.geometry import Geometry
from espnet_soups.soup.layer_selection import LayerSelection
from espnet_soups.soup.level_weights import Evidence, LevelWeigher, Weights
from espnet_soups.soup.state import SoupState
from espnet_soups.soup.window import StepWindow


@dataclass(frozen=True)
class Proposal:
    """Changes of the state if the step is made.

    Attributes:
        weights: The next weights; None if they stay, as the measurements are not finite.
        norms: Running mean squares of the objectives' gradients.
        products: Inner products of the two halves; None if not measured, or not finite.
        finite: Whether the measurements are finite.
    """

    weights: Weights | None
    norms: RunningSignal
    products: HalfProducts | None
    finite: bool = True


class Proposer:
    """Source of the next weights.

    Args:
        weigher: The weigher of the levels.
        geometry: The units of weights and steps.
        layers: The layers that feed the weights.
    """

    def __init__(self, weigher: LevelWeigher, geometry: Geometry, layers: LayerSelection) -> None:
        self.weigher, self.geometry, self.layers = weigher, geometry, layers

    def propose(self, window: StepWindow, state: SoupState, epoch: int) -> Proposal:
        """Return the changes that a step would make, and close its window.

        Args:
            window: The measurements of the mini-batches of the step.
            state: The state before the step.
            epoch: The epoch, from 1.
        """
        norms, products = state.norms, None
        both, elapsed = window.present.all(dim=0), state.since + 1
        if window.halves:
            window.close()
        # While layers are selected anew and none was before, nothing feeds the weights.
        if window.halves and self.layers.used_parameters:
            products = self._products(window)
            if not products.finite:
                return Proposal(None, norms, None, finite=False)
            # An objective that one half lacks enters no product, nor those of the levels above.
            products = products.scaled(both.double())
            norms = norms.after(products.cross.diagonal(), products.power, both, elapsed)
        if not torch.isfinite(window.losses).all():
            return Proposal(None, norms, products)
        evidence = Evidence(
            products=None if products is None else self.geometry.shown(products, norms),
            losses=window.losses,
            present=window.present.any(dim=0),
            both=both,
            elapsed=elapsed,
            epoch=epoch,
        )
        weights = self.weigher.propose(state.weights, state.penalties.c, evidence)
        return Proposal(weights, norms, products)

    def _products(self, window: StepWindow) -> HalfProducts:
        """Return the inner products of the columns that feed the weights."""
        used = [self.layers.used(rows) for rows in window.halves]
        whole = None if window.whole is None else self.layers.used(window.whole)
        return self.geometry.products(used, self.layers.used_parameters, whole, window.shares)
