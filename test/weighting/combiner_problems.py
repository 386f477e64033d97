"""Problems of a few objectives, and every combiner that this machine can build."""

from importlib.util import find_spec

import pytest
import torch

from espnet_soups.weighting.catalogue import PACKAGES
from espnet_soups.weighting.combiner import Shown

MODULES = {"torchjd[cagrad]": "cvxpy", "torchjd[quadprog_projector]": "quadprog"}
REQUIRED = {"constant": {"weights": [1.0, 2.0, 3.0, 4.0]}}


def build(name, options=None, names=("a", "b", "c", "d"), level=1):
    """Build a combiner; skip the test where an optional package is missing."""
    from espnet_soups.weighting.registry import build_combiner

    if name in PACKAGES and find_spec(MODULES[PACKAGES[name]]) is None:
        pytest.skip(f"needs {PACKAGES[name]}")
    given = REQUIRED.get(name, {}) if options is None else options
    return build_combiner(name, given, names, level)


def draw_shown(combiner, generator, size=4, epoch=1):
    """Draw what a level could show: a cross Gram where the combiner can take one."""
    first, second = torch.randn(2, size, 6, generator=generator, dtype=torch.float64)
    gram = first @ second.T
    losses = torch.rand(size, generator=generator, dtype=torch.float64) + 0.1
    return Shown((gram + gram.T) / 2 if combiner.symmetric else gram, losses, epoch)
