"""Mixed precision takes bfloat16 where a GPU has it, and float16 where it is emulated."""

import pytest
import torch
from espnet2.train import trainer

from espnet_soups.task.half_precision import choose_half_precision


@pytest.mark.parametrize(("own", "dtype"), [(True, torch.bfloat16), (False, torch.float16)])
def test_a_format_that_the_gpu_emulates_is_not_taken(monkeypatch, own, dtype):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(
        torch.cuda, "is_bf16_supported", lambda including_emulation=True: own or including_emulation
    )
    monkeypatch.setattr(trainer, "autocast_args", {"dtype": torch.bfloat16})
    choose_half_precision()
    # as ESPnet's trainer enters it
    with torch.autocast("cuda", **trainer.autocast_args):
        assert torch.get_autocast_dtype("cuda") == dtype


def test_without_a_gpu_nothing_changes(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(trainer, "autocast_args", {"dtype": torch.bfloat16})
    choose_half_precision()
    assert trainer.autocast_args == {"dtype": torch.bfloat16}
