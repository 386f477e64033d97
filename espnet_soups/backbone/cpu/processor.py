"""What the processor of this machine can do."""

from functools import cache
from pathlib import Path

import torch

CPUINFO = Path("/proc/cpuinfo")


def cpuinfo(field: str) -> str:
    """Return a field of the first processor in `/proc/cpuinfo`; empty where there is none.

    Args:
        field: Name of the field, such as `vendor_id`.
    """
    try:
        lines = CPUINFO.read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    values = (line.partition(":")[2].strip() for line in lines if line.startswith(field))
    return next(values, "")


@cache
def has_bfloat16() -> bool:
    """Return True if the processor multiplies matrices of bfloat16 faster than those of float32.

    Elsewhere PyTorch emulates bfloat16: a step of `torch.optim.Muon` takes 4 times as long with
    AVX-512, and 25 times with AVX2.
    """
    if torch.backends.cpu.get_cpu_capability() != "AVX512":
        return False
    return bool({"avx512_bf16", "amx_bf16"} & set(cpuinfo("flags").split()))
