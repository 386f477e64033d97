"""Build the modes by name: each changes some options of the configuration."""

from collections.abc import Mapping
from typing import Any

from tools.benchmark.modes import EspnetStep, JointStep, StepMode
from tools.benchmark.other_procedures import PublishedStep, TorchJDStep
from tools.benchmark.spec import BenchSpec
from tools.benchmark.stock_step import StockStep

JOINT: Mapping[str, Any] = {"trainer": "default", "trainer_conf": {}}
# `layers: selected` stands for the layers that the configuration names.
SOUPS: Mapping[str, Mapping[str, Any]] = {
    "exact_all": {"mode": "exact", "layers": "all"},
    "pipelined_all": {"layers": "all"},
    "selected": {"layers": "selected"},
    "selected_refresh8": {"layers": "selected", "refresh": 8},
}


def build_mode(name: str, spec: BenchSpec, device: str = "cpu") -> StepMode:
    """Build a mode by its name, one of those that `steps --help` lists.

    Args:
        name: Its name, one of those that `steps --help` lists.
        spec: Model and mini-batches.
        device: Device of both: `cpu` or `cuda`.
    """
    if name == "joint_pooled":
        return EspnetStep(spec, {**JOINT, "encoding": "pooled"}, device)
    if name == "joint":
        return JointStep(spec, JOINT, device)
    if name == "published":
        return PublishedStep(spec, JOINT, device)
    if name == "torchjd_modo":
        return TorchJDStep(spec, JOINT, device)
    if name == "espnet_st":
        return StockStep(spec, {}, device)
    settings = {"soup": "vs", "combiner": "modo", **SOUPS[name]}
    if settings["layers"] == "selected":
        settings["layers"] = list(spec.selected)
    return EspnetStep(spec, {"trainer": "msp", "trainer_conf": settings}, device)
