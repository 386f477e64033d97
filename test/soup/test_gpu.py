"""What only a GPU can show: `python -m pytest -m gpu test/soup/test_gpu.py` on a machine with one.

`tools/gpu_check.sh run --device cpu` runs the same code on a CPU, which it compares with itself.
"""

import os

import pytest
import torch
from torch.nn.parallel import DistributedDataParallel

from espnet_soups.gradients.products import half_products
from espnet_soups.testing.toy_model import make_toy_batch, make_toy_model

DEVICE = os.environ.get("SOUPS_GPU_TESTS_ON", "cuda")
pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(
        DEVICE == "cuda" and not torch.cuda.is_available(), reason="there is no GPU"
    ),
]
LEVELS = {"soup": "vm", "order": "SA", "combiner_conf": {"gamma": 0.3}}
PENALTY = {"penalty": [{"level": 2, "init": 0.5, "schedule": "constant"}]}
SOUP = LEVELS | PENALTY
SETTINGS = {
    "pipelined": SOUP,
    "selected": SOUP | {"layers": ["encoder.encoders.1"], "refresh": 2},
    "exact": SOUP | {"mode": "exact"},
    "rows": SOUP | {"gradient_norm": "rows"},
    "adam": SOUP | {"metric": "adam"},
    "measured": SOUP | {"layers": ["encoder.encoders.1"], "acts_on": "measured"},
    "conflicting": SOUP | {"layers": "conflicting", "selection": {"steps": 3, "threshold": 1.0}},
}


class Run:
    """Trains the toy model in float32 as ESPnet's loop does."""

    def __init__(self, device, conf, half=None):
        self.device, self.half = device, half
        self.model = make_toy_model("msp", conf).float().to(device).train()
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=0.003)
        # A scale from which no step overflows: a skipped one would be missing from the weights.
        enabled = half == torch.float16
        self.scaler = torch.amp.GradScaler(device, init_scale=256.0, enabled=enabled)
        self.model.soup.bind(self.model, self.optimizer)
        self.model.soup.open_epoch(1, 2, 1, 10)

    def train(self, seeds):
        losses = []
        for seed in seeds:
            batch = {name: value.to(self.device) for name, value in make_toy_batch(seed).items()}
            batch["speech"] = batch["speech"].float()
            with torch.autocast(self.device, dtype=self.half, enabled=self.half is not None):
                loss = self.model(**batch)[0].sum()
            self.scaler.scale(loss).backward()
            self.scaler.unscale_(self.optimizer)
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), 5.0)
            self.scaler.step(self.optimizer)
            self.scaler.update()
            self.optimizer.zero_grad()
            losses.append(float(loss.detach()))
        return torch.tensor(losses)

    @property
    def weights(self):
        return self.model.soup.weights.values


@pytest.mark.parametrize("name", SETTINGS)
def test_losses_and_weights_are_those_of_the_cpu(name):
    gpu, cpu = Run(DEVICE, SETTINGS[name]), Run("cpu", SETTINGS[name])
    torch.testing.assert_close(gpu.train(range(8)), cpu.train(range(8)), rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(gpu.weights, cpu.weights, rtol=0.0, atol=2e-3)
    assert (cpu.weights - cpu.model.soup.hierarchy.uniform()).abs().max() > 0.01


@pytest.mark.parametrize("half", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", ["pipelined", "selected", "exact"])
def test_weights_in_half_precision_stay_near_those_of_full_precision(name, half):
    mixed, full = Run(DEVICE, SETTINGS[name], half), Run(DEVICE, SETTINGS[name])
    losses, expected = mixed.train(range(6)), full.train(range(6))
    assert not torch.equal(losses, expected), "autocast did nothing"
    torch.testing.assert_close(losses, expected, rtol=0.03, atol=0.0)
    torch.testing.assert_close(mixed.weights, full.weights, rtol=0.0, atol=0.03)


def test_a_run_resumes_on_the_gpu_from_a_checkpoint_that_was_loaded_onto_it(tmp_path):
    whole, first, second = (Run(DEVICE, SETTINGS["conflicting"]) for _ in range(3))
    whole.train(range(6))
    first.train(range(4))
    torch.save([first.model.state_dict(), first.optimizer.state_dict()], tmp_path / "state.pth")
    model, optimizer = torch.load(tmp_path / "state.pth", map_location=DEVICE, weights_only=True)
    second.model.load_state_dict(model)
    second.optimizer.load_state_dict(optimizer)
    second.train(range(4, 6))
    assert second.weights.device.type == "cpu"
    torch.testing.assert_close(second.weights, whole.weights, rtol=0.0, atol=1e-4)


@pytest.mark.parametrize("name", ["pipelined", "selected", "exact", "measured"])
def test_gradients_behind_gates_and_deposits_are_those_of_the_cpu(name):
    found = []
    for device in (DEVICE, "cpu"):
        run = Run(device, SETTINGS[name])
        batch = {name: value.to(device) for name, value in make_toy_batch(3).items()}
        batch["speech"] = batch["speech"].float()
        run.model(**batch)[0].sum().backward()
        found.append([p.grad.cpu() for p in run.model.parameters() if p.grad is not None])
    assert len(found[0]) == len(found[1]) > 50
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)


def test_products_of_rows_are_not_rounded_under_autocast():
    rows = [torch.randn(3, 4000, device=DEVICE) for _ in range(2)]
    expected = rows[0].double() @ rows[1].double().T
    with torch.autocast(DEVICE, dtype=torch.bfloat16):
        found = half_products(*rows)
    assert found.cross.device.type == "cpu"
    torch.testing.assert_close(found.cross, expected.cpu(), rtol=0.0, atol=1e-2)


def test_one_rank_under_ddp_makes_the_steps_of_a_process_alone(tmp_path):
    """With NCCL on a GPU: whatever is summed over the ranks must lie there."""
    torch.distributed.init_process_group(
        "nccl" if DEVICE == "cuda" else "gloo",
        init_method=f"file://{tmp_path}/ranks",
        rank=0,
        world_size=1,
    )
    try:
        ranked, alone = (Run(DEVICE, SETTINGS["conflicting"]) for _ in range(2))
        model = ranked.model
        ranked.model = DistributedDataParallel(model)
        losses = ranked.train(range(6))
        ranked.model = model
    finally:
        torch.distributed.destroy_process_group()
    torch.testing.assert_close(losses, alone.train(range(6)), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(ranked.weights, alone.weights, rtol=0.0, atol=1e-3)
    assert model.soup.layers.estimate["value"], "a selection was agreed on"
