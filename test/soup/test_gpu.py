"""What only a GPU can show: `pytest -m gpu test/model/test_gpu.py` on a machine with one."""

import pytest
import torch

from espnet_soups.testing.toy_model import make_toy_batch, make_toy_model

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU"),
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
    gpu, cpu = Run("cuda", SETTINGS[name]), Run("cpu", SETTINGS[name])
    torch.testing.assert_close(gpu.train(range(8)), cpu.train(range(8)), rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(gpu.weights, cpu.weights, rtol=0.0, atol=2e-3)
    assert (cpu.weights - cpu.model.soup.hierarchy.uniform()).abs().max() > 0.01


@pytest.mark.parametrize("half", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", ["pipelined", "selected", "exact"])
def test_weights_in_half_precision_stay_near_those_of_full_precision(name, half):
    mixed, full = Run("cuda", SETTINGS[name], half), Run("cuda", SETTINGS[name])
    losses, expected = mixed.train(range(6)), full.train(range(6))
    assert not torch.equal(losses, expected), "autocast did nothing"
    torch.testing.assert_close(losses, expected, rtol=0.03, atol=0.0)
    torch.testing.assert_close(mixed.weights, full.weights, rtol=0.0, atol=0.03)


def test_a_run_resumes_on_the_gpu_from_a_checkpoint_that_was_loaded_onto_it(tmp_path):
    whole, first, second = (Run("cuda", SETTINGS["conflicting"]) for _ in range(3))
    whole.train(range(6))
    first.train(range(4))
    torch.save([first.model.state_dict(), first.optimizer.state_dict()], tmp_path / "state.pth")
    model, optimizer = torch.load(tmp_path / "state.pth", map_location="cuda", weights_only=True)
    second.model.load_state_dict(model)
    second.optimizer.load_state_dict(optimizer)
    second.train(range(4, 6))
    assert second.weights.device.type == "cpu"
    torch.testing.assert_close(second.weights, whole.weights, rtol=0.0, atol=1e-4)
