"""Where the time of a step goes: its parts, its operators, and what is left as it was."""

import json

import pytest
import torch
from test_bench_modes import SPEC

from tools.benchmark import catalogue, profile, step_parts
from tools.benchmark.catalogue import build_mode
from tools.benchmark.step_parts import profile_step


def test_operators_are_counted_and_parts_are_timed():
    mode = build_mode("joint_pooled", SPEC)
    linear = sum(isinstance(module, torch.nn.Linear) for module in mode.model.modules())
    found = profile_step(mode, steps=2)
    calls = {operator.name: operator.calls for operator in found.operators}
    assert calls["aten::_ctc_loss"] == 1  # two languages in one group of heads
    assert 0 < calls["aten::addmm"] <= linear
    assert found.calls == pytest.approx(sum(calls.values()))
    assert found.waits == calls["aten::_local_scalar_dense"] > 0
    assert next(iter(found.parts)) == "step"
    assert all(seconds >= 0 for name, seconds in found.parts.items() if "backward" not in name)
    assert found.parts["encoder, forward"] < found.parts["step"]
    assert found.peak_mib > 100


def test_the_model_encodes_again_once_the_profile_is_made():
    mode = build_mode("selected", SPEC)
    soup = mode.model.soup
    profile_step(mode, steps=1)
    assert mode.model.soup is soup is not None
    assert "encode" not in vars(mode.model)


def test_the_encoder_is_left_out_of_the_time_of_heads(monkeypatch):
    mode = build_mode("joint_pooled", SPEC)
    calls = []
    mode.model.encoder.register_forward_hook(lambda *_: calls.append(1))
    with step_parts._Encoded(mode):
        losses = [mode.model(**mode.batches[0])[0].item() for _ in range(3)]
    assert len(calls) == 1
    assert losses == [losses[0]] * 3


def test_the_command_prints_parts_operators_and_json(monkeypatch, capsys):
    monkeypatch.setattr(catalogue, "build_mode", lambda name, _: build_mode(name, SPEC))
    profile.main(["--mode", "selected", "--steps", "1"])
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("encoder, backward") for line in lines)
    record = json.loads(lines[-1])
    assert record["mode"] == "selected"
    assert record["operators"][0]["seconds"] >= record["operators"][1]["seconds"]


def test_no_steps_are_refused():
    with pytest.raises(ValueError, match="`--steps` must be 1 or more, but got 0"):
        profile.main(["--steps", "0"])
