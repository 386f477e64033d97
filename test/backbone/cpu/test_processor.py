"""What the processor can do, from its flags."""

import pytest
import torch

from espnet_soups.backbone.cpu import processor
from espnet_soups.backbone.cpu.processor import cpuinfo, has_bfloat16


@pytest.mark.parametrize(
    ("flags", "capability", "answer"),
    [
        ("fpu avx512f avx512_bf16", "AVX512", True),
        ("fpu avx512f amx_bf16", "AVX512", True),
        ("fpu avx512f", "AVX512", False),
        ("fpu avx512f avx512_bf16", "AVX2", False),  # PyTorch was told to do without
    ],
)
def test_bfloat16_is_native_where_the_flags_have_it(
    tmp_path, monkeypatch, flags, capability, answer
):
    path = tmp_path / "cpuinfo"
    path.write_text(f"vmx flags\t: avx512_bf16\nflags\t\t: {flags}\n", encoding="utf-8")
    monkeypatch.setattr(processor, "CPUINFO", path)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    assert has_bfloat16.__wrapped__() is answer


def test_a_system_without_cpuinfo_has_no_fields(tmp_path, monkeypatch):
    monkeypatch.setattr(processor, "CPUINFO", tmp_path / "none")
    assert cpuinfo("flags") == ""
