"""A pretended processor."""

import pytest
import torch

from espnet_soups.backbone.cpu import processor


@pytest.fixture
def pretend(tmp_path, monkeypatch):
    """Return a function that sets the text of `/proc/cpuinfo` and what PyTorch makes use of."""

    def change(text, capability):
        path = tmp_path / "cpuinfo"
        path.write_text(text, encoding="utf-8")
        monkeypatch.setattr(processor, "CPUINFO", path)
        monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)

    return change
