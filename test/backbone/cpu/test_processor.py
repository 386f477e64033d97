"""What the processor can do, from its flags."""

import pytest

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
def test_bfloat16_is_native_where_the_flags_have_it(pretend, flags, capability, answer):
    pretend(f"vmx flags\t: avx512_bf16\nflags\t\t: {flags}\n", capability)
    assert has_bfloat16.__wrapped__() is answer


def test_a_system_without_cpuinfo_has_no_fields(tmp_path, monkeypatch):
    monkeypatch.setattr(processor, "CPUINFO", tmp_path / "none")
    assert cpuinfo("flags") == ""
