"""How often Python waits for a GPU in a step, counted on a device that is pretended.

In a process of its own: PyTorch knows one such device, from its registration to the end.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from warm_python import warm_variables

SOUP = {"soup": "vm", "order": "SA", "combiner_conf": {"gamma": 0.3}}
RUNS = {
    "joint": ("default", {}),
    "measured": ("msp", SOUP),
    "measured on a layer": ("msp", SOUP | {"layers": ["encoder.encoders.1"], "refresh": 2}),
    "exact": ("msp", SOUP | {"mode": "exact"}),
}
STEPS = 4


def train(name, device):
    """Return the losses of some steps, and the waits of the last two."""
    import torch
    from pretended_gpu import WAITS, put

    from espnet_soups.testing.toy_model import make_toy_batch, make_toy_model

    trainer, conf = RUNS[name]
    model = make_toy_model(trainer, conf).float().train()
    model.to(device or "cpu")
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    if model.soup is not None:
        model.soup.bind(model, optimizer)
        model.soup.open_epoch(1, 2, 1, 10)
    losses, waits = [], []
    for seed in range(STEPS):
        batch = make_toy_batch(seed)
        batch["speech"] = batch["speech"].float()
        if device:
            batch = {key: put(value) for key, value in batch.items()}
        WAITS.clear()
        loss, stats, weight = model(**batch)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        assert {value.device.type for value in (*stats.values(), weight)} == {"cpu"}
        waits.append(dict(WAITS))
        losses.append(float(loss.detach()))
    return losses, waits[-2:]


def main():
    from pretended_gpu import DEVICE, Pretended

    found = {}
    for name in RUNS:
        with Pretended():
            found[name] = train(name, DEVICE)
        found[name] += (train(name, None)[0],)
    print(json.dumps(found))


@pytest.fixture(scope="module")
def found():
    here = Path(__file__)
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(here.parent)!r})\n"
         f"import {here.stem}; {here.stem}.main()"],
        capture_output=True, text=True, cwd=here.parents[2],
        env=os.environ | warm_variables(code=True),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("name", RUNS)
def test_losses_on_another_device_are_those_of_the_cpu(found, name):
    losses, _, expected = found[name]
    assert losses == pytest.approx(expected, rel=1e-5)


def test_a_joint_step_waits_for_its_batch_its_lengths_and_its_losses(found):
    for waits in found["joint"][1]:
        assert waits == {
            "network/batch.py: tolist": 1,
            "network/encoded.py: tolist": 1,  # lengths after subsampling
            "objectives/heads/text_group.py: copy to the CPU": 1,  # lengths, for CTC
            "losses/global_counts.py: copy to the CPU": 1,
        }


def test_a_measured_step_waits_once_more_for_ctc_and_for_the_products(found):
    ours = {
        "network/batch.py: tolist": 1,
        "objectives/heads/text_group.py: copy to the CPU": 2,  # there are two halves
        "losses/global_counts.py: copy to the CPU": 1,
        "gradients/products.py: copy to the CPU": 2,  # of all, and by layer
    }
    for waits in found["measured"][1]:
        assert waits == ours
    first, second = found["measured on a layer"][1]
    assert sum(first.values()) == 4, "not measured"
    assert second == ours | {"network/encoded.py: tolist": 1}  # lengths below the layer


def test_a_device_that_is_pretended_counts_waits_and_refuses_two_devices():
    code = """
import torch
from pretended_gpu import DEVICE, WAITS, Pretended, put

with Pretended():
    x = put(torch.arange(3.0)).requires_grad_()
    (x * x).sum().backward()
    assert x.grad.device == DEVICE and not WAITS
    assert x.grad.cpu().tolist() == [0.0, 2.0, 4.0] and sum(WAITS.values()) == 1
    float(x.sum()), x[x > 1], torch.tensor([1], device=DEVICE), x[[0, 2]], x.nonzero()
    assert sum(WAITS.values()) == 6, WAITS
    torch.zeros(2, device=DEVICE), torch.ones(2).to(DEVICE, non_blocking=True), x * 2.0
    assert sum(WAITS.values()) == 6, WAITS
    try:
        x + torch.ones(3)
    except RuntimeError as error:
        assert "two devices" in str(error)
    else:
        raise AssertionError("nothing was refused")
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parent,
        env=os.environ | warm_variables(code=True),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
