"""Measure what a step costs: time, memory, kernels, and its share of the chip's rate."""

import gc
import statistics
import time
import traceback
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from tools.benchmark.catalogue import SOUPS, build_mode
from tools.benchmark.modes import StepMode
from tools.benchmark.spec import BenchSpec, with_objectives
from tools.gpu_check.device import forget_memory, peak_mib, wait_for, watch

MODES = (
    *("joint_pooled", "joint", "selected_refresh8", "selected", "pipelined_all", "exact_all"),
    "espnet_st",
)
SCALED = ("joint_pooled", "selected_refresh8")
PLAIN_PERIOD = 2  # steps at a time of modes whose steps are all alike
LEAST_PERIODS = 3
TO_PYTHON = torch.ops.aten._local_scalar_dense  # a number for Python


def mode_cost_or_error(*arguments: Any) -> dict[str, Any]:
    """Return what `mode_cost` returns; or `error`, so that the other modes are still measured.

    Args:
        *arguments: Those of `mode_cost`.

    Returns:
        The costs, or `error`, with `failed` unless the memory of the GPU is not enough.
    """
    try:
        return mode_cost(*arguments)
    except torch.cuda.OutOfMemoryError:
        return {"error": "out of memory"}
    except Exception as error:  # time on a GPU is short
        traceback.print_exc()
        return {"error": f"{type(error).__name__}: {error}", "failed": True}


def mode_cost(
    spec: BenchSpec,
    mode: str,
    precision: str,
    device: str,
    rates: Mapping[str, float],
    least: float,
) -> dict[str, Any]:
    """Measure one mode.

    Args:
        spec: Model and mini-batches.
        mode: Name of the mode.
        precision: `float32`; or `bfloat16`, by autocast, as ESPnet's `use_amp` has it.
        device: `cpu` or `cuda`.
        rates: Rate of matrix products by precision, TFLOP/s.
        least: Seconds that are timed at least, after steps that are not.

    Returns:
        Seconds of a step (median over periods), peak MiB, parameters, objectives, seconds of audio,
        and of a step: floating-point operations of matrix products and convolutions, their share of
        the measured rate, calls of operators, those that hand a number to Python; on a GPU kernels,
        waits, and the share of busy time.
    """
    gc.collect()
    forget_memory(device)
    step = build_mode(mode, spec, device)
    if precision == "bfloat16":
        forward = torch.autocast(device, torch.bfloat16)(step.model.forward)
        step.model.forward = forward  # type: ignore[method-assign]
    period = int(SOUPS.get(mode, {}).get("refresh", PLAIN_PERIOD))
    seconds = _timed(step, period, device, least)
    peak = peak_mib(device)
    seen = watch(lambda: _steps(step, period), device)
    with _Operators() as counted:
        _steps(step, period)
    tflop, median = counted.flops / period / 1e12, statistics.median(seconds)
    return {
        "config": spec.name,
        "mode": mode,
        "precision": precision,
        "objectives": spec.batch.objectives,
        "audio_seconds": spec.batch.audio_seconds,
        "parameters": sum(p.numel() for p in step.model.parameters()),
        "seconds": median,
        "periods": len(seconds),
        "peak_mib": peak,
        "tflop": tflop,
        "utilisation": tflop / median / rates[precision],
        "operators": counted.calls / period,
        "to_python": counted.to_python / period,
        "kernels": None if seen is None else seen.kernels / period,
        "waits": None if seen is None else seen.waits / period,
        "busy": None if seen is None else seen.busy,
    }


def sized(spec: BenchSpec, objectives: int) -> BenchSpec:
    """Return the configuration with another number of objectives at equal audio.

    Args:
        spec: The configuration.
        objectives: K, odd, 3 or more.
    """
    return replace(spec, batch=with_objectives(spec.batch, objectives))


def _timed(step: StepMode, period: int, device: str, least: float) -> list[float]:
    """Return the seconds of a step in each of some periods, after one that is not timed."""
    _steps(step, period)
    seconds: list[float] = []
    wait_for(device)
    begin = time.perf_counter()
    while len(seconds) < LEAST_PERIODS or time.perf_counter() - begin < least:
        start = time.perf_counter()
        _steps(step, period)
        wait_for(device)
        seconds.append((time.perf_counter() - start) / period)
    return seconds


def _steps(step: StepMode, number: int) -> None:
    for _ in range(number):
        step.step()


class _Operators(TorchDispatchMode):
    """Counter of operators and of their floating-point operations, by PyTorch's formulas.

    PyTorch's `FlopCounterMode` hooks into modules, which `torch.autograd.grad` does not bear.
    """

    def __init__(self) -> None:
        super().__init__()
        self.calls = self.flops = self.to_python = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        self.calls += 1
        self.to_python += func.overloadpacket is TO_PYTHON
        formula = flop_registry.get(func.overloadpacket)
        if formula is not None:
            self.flops += formula(*args, **(kwargs or {}), out_val=result)
        return result
