"""Combiners from TorchJD's weightings. Only this module and `torchjd_losses` import TorchJD."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from espnet_soups.weighting.combiner import Combiner, Shown, State, scale_to_mass


@dataclass(frozen=True)
class Weighting:
    """Use of one of TorchJD's weightings.

    Attributes:
        kind: Name of its class.
        defaults: Options that TorchJD requires, with the values that we choose.
        random: Whether it draws random numbers.
        stateful: Whether it has a state from step to step.
        complete: Whether it needs all objectives of its level.
        symmetric: Whether it needs a symmetric Gram matrix.
    """

    kind: str
    defaults: Mapping[str, Any] = field(default_factory=dict)
    random: bool = False
    stateful: bool = False
    complete: bool = False
    symmetric: bool = True


GRAM_WEIGHTINGS: Mapping[str, Weighting] = {
    "aligned_mtl": Weighting("AlignedMTLWeighting"),
    "cagrad": Weighting("CAGradWeighting", {"c": 0.5}),
    "dualproj": Weighting("DualProjWeighting"),
    "fairgrad": Weighting("FairGradWeighting", {"alpha": 1.0}),
    "gradvac": Weighting("GradVacWeighting", random=True, stateful=True),
    "imtl_g": Weighting("IMTLGWeighting"),
    "krum": Weighting("KrumWeighting", {"n_byzantine": 1}, complete=True),
    "mgda": Weighting("MGDAWeighting"),
    "pcd": Weighting("PCDWeighting", stateful=True),
    "pcgrad": Weighting("PCGradWeighting", random=True),
    "random": Weighting("RandomWeighting", random=True),
    "sdmgrad": Weighting("SDMGradWeighting", stateful=True, symmetric=False),
    "upgrad": Weighting("UPGradWeighting"),
}
SMOOTHER = "CRMOGMWeighting"
# Arguments that take objects of TorchJD, or the number of objectives, which we know.
NOT_FOR_YAML = frozenset({"projector", "weighting", "shape"})


class TorchJD(Combiner):
    """Combiner that wraps one of TorchJD's weightings.

    It works in float64 on the CPU. Its weights are divided by their sum, so that the direction is
    TorchJD's and all combiners take steps of the same scale. A symmetrised cross Gram can have
    negative eigenvalues, which no Gram matrix has: they are set to 0.

    Its state passes through TorchJD's state dict, in and out. Random numbers come from `seed`, the
    level and the number of moves so far: all ranks draw the same, and so does a run that resumes;
    the generator of the training is not touched.

    Args:
        name: A key of `GRAM_WEIGHTINGS`.
        options: Arguments of TorchJD's class.
        level: The level, from 1; random numbers of levels differ.
        seed: Seed of the random numbers.
        smoothing: Options of CR-MOGM, which averages the weights over steps; None for no averaging.

    Raises:
        ValueError: If a value is not valid.
        ImportError: If an optional package is missing.
    """

    def __init__(
        self,
        name: str,
        options: Mapping[str, Any],
        level: int = 1,
        seed: int = 0,
        smoothing: Mapping[str, Any] | None = None,
    ) -> None:
        import torchjd.aggregation

        how = GRAM_WEIGHTINGS[name]
        self.level, self.seed = level, seed
        self.symmetric = how.symmetric
        self.random = how.random
        self.stateful = how.stateful or smoothing is not None
        per_objective = any(isinstance(value, Tensor) for value in options.values())
        self.complete = how.complete or self.stateful or per_objective
        self.measures = name != "random"
        self.weighting: Any = getattr(torchjd.aggregation, how.kind)(**{**how.defaults, **options})
        if smoothing is not None:
            self.weighting = getattr(torchjd.aggregation, SMOOTHER)(self.weighting, **smoothing)

    def __call__(self, weights: Tensor, shown: Shown, state: State) -> tuple[Tensor, State]:
        """Return the next weights; see `Combiner`."""
        gram = shown.gram.detach().to("cpu", torch.float64)
        if self.symmetric:
            values, vectors = torch.linalg.eigh(gram)
            gram = (vectors * values.clamp(min=0)) @ vectors.T
        moves = int(state.get("moves", torch.tensor(0)))
        with torch.random.fork_rng(devices=[], enabled=self.random):
            if self.stateful:
                self._restore(state, len(gram))
            if self.random:
                seeds = np.random.SeedSequence([self.seed, self.level, moves])
                torch.default_generator.manual_seed(int(seeds.generate_state(1)[0]))
            proposed = self.weighting(gram)
        following: dict[str, Tensor] = {}
        if self.stateful or self.random:
            saved = self.weighting.state_dict().items()
            following = {"moves": torch.tensor(moves + 1), **{k: v.clone() for k, v in saved}}
        return scale_to_mass(proposed, weights), following

    def _restore(self, state: State, size: int) -> None:
        """Restore the state of TorchJD's class, by its public methods alone."""
        self.weighting.reset()
        saved = {name: value.clone() for name, value in state.items() if name != "moves"}
        if saved:
            # Its buffers appear in the first call: after one with any matrix they can be loaded.
            self.weighting(torch.eye(size, dtype=torch.float64))
            self.weighting.load_state_dict(saved)


def option_defaults(name: str) -> dict[str, Any]:
    """Return the options of a weighting with their defaults.

    Args:
        name: A key of `GRAM_WEIGHTINGS`.
    """
    import torchjd.aggregation

    how = GRAM_WEIGHTINGS[name]
    return read_options(getattr(torchjd.aggregation, how.kind), how.defaults)


def read_options(kind: type, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of one of TorchJD's classes with their defaults.

    Args:
        kind: The class.
        defaults: Our values of options that TorchJD requires, or whose default we replace.

    Returns:
        The options that YAML may set; None where an option has no default.
    """
    constructor = vars(kind).get("__init__")  # None: inherited, without arguments
    if constructor is None:
        return {}
    return {
        name: defaults.get(name, None if item.default is inspect.Parameter.empty else item.default)
        for name, item in list(inspect.signature(constructor).parameters.items())[1:]
        if name not in NOT_FOR_YAML and item.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
    }
