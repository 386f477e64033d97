"""Measure the rate of matrix products, against which the use of a chip is reckoned."""

import statistics
import time

import torch

from tools.gpu_check.device import wait_for

SIZES = {"cuda": 8192, "cpu": 128}
PRODUCTS, ROUNDS = 8, 5
# name to (dtype, whether float32 may be rounded to TF32)
PRECISIONS = {
    "float32": (torch.float32, False),
    "tf32": (torch.float32, True),
    "bfloat16": (torch.bfloat16, False),
    "float16": (torch.float16, False),
}


def matrix_rates(device: str) -> dict[str, float]:
    """Return the rate of large square products of random numbers by precision, TFLOP/s.

    Args:
        device: `cpu` or `cuda`; a CPU has no `tf32`.
    """
    before = torch.backends.cuda.matmul.allow_tf32
    try:
        return {
            name: _rate(device, dtype, rounded)
            for name, (dtype, rounded) in PRECISIONS.items()
            if device == "cuda" or not rounded
        }
    finally:
        torch.backends.cuda.matmul.allow_tf32 = before


def _rate(device: str, dtype: torch.dtype, rounded: bool) -> float:
    size = SIZES[device]
    torch.backends.cuda.matmul.allow_tf32 = rounded
    left, right = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    result = left @ right  # the first one loads the library
    seconds = []
    for _ in range(ROUNDS):
        wait_for(device)
        start = time.perf_counter()
        for _ in range(PRODUCTS):
            torch.mm(left, right, out=result)
        wait_for(device)
        seconds.append((time.perf_counter() - start) / PRODUCTS)
    return 2 * size**3 / statistics.median(seconds) / 1e12
