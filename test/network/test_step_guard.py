"""A loss or a gradient that is not finite: nothing moves, and the objective is named."""

import pytest
import torch

from espnet_soups.testing.toy_model import make_toy_batch, make_toy_model

CPU = torch.device("cpu")
SOUP = {"soup": "vm", "order": "SA", "combiner_conf": {"gamma": 0.3}}
SETTINGS = {
    "joint": None,
    "pipelined": SOUP,
    "refresh": SOUP | {"refresh": 3},
    "two batches": SOUP | {"mode": "exact"},
    "three batches": SOUP | {"mode": "exact", "exact_batches": 3},
}


class Trained:
    """Trains as ESPnet's loop does, with an objective that can be broken in one mini-batch."""

    def __init__(self, conf, accum_grad=1, **options):
        trainer = "default" if conf is None else "msp"
        self.model = make_toy_model(trainer, conf, **options).train()
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.02)
        if conf is not None:
            self.model.soup.bind(self.model, self.optimizer)
            self.model.soup.open_epoch(26, 50, accum_grad)
        self.model.guard.bind(self.optimizer)
        self.model.guard.open_epoch(accum_grad)
        self.accum_grad, self.seed, self.factor = accum_grad, 0, None
        ctc = self.model.heads["asr_fr"].ctc
        ctc.register_forward_hook(lambda _, __, loss: loss if self.factor is None else
                                  self.factor(loss))  # fmt: skip

    def step(self, *factors):
        """One optimiser step; what a factor does to the loss of `asr_fr`, per mini-batch."""
        for factor in factors or [None] * self.accum_grad:
            self.factor = factor
            self.seed += 1
            batch = make_toy_batch(seed=self.seed, per_language=6)
            (self.model(**batch)[0].sum() / self.accum_grad).backward()
        if torch.isfinite(torch.nn.utils.clip_grad_norm_(self.model.parameters(), 5.0)):
            self.optimizer.step()
        self.optimizer.zero_grad()

    def state(self):
        soup, parameters = self.model.soup, [p.detach().clone() for p in self.model.parameters()]
        return (
            parameters
            if soup is None
            else [*parameters, soup.weights.values.clone(), soup.state.norms.mean_square()]
        )


def nan(loss):
    return loss * torch.nan


def infinite_loss(loss):
    """A loss that overflowed, with a gradient that is finite."""
    return loss + torch.inf


def broken_gradient(loss):
    """A finite loss with an infinite gradient."""
    return loss + torch.sqrt((loss - loss).abs())


class OnceIn:
    """Breaks one of several passes: a part of the mini-batch in `mode: exact`."""

    def __init__(self, breaks, position):
        self.breaks, self.left = breaks, position

    def __call__(self, loss):
        self.left -= 1
        return self.breaks(loss) if self.left == -1 else loss


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("breaks", [nan, infinite_loss, broken_gradient])
def test_a_broken_step_moves_nothing_and_names_its_objective(name, breaks, caplog):
    trained = Trained(SETTINGS[name])
    for _ in range(2):
        trained.step()
    before = trained.state()
    trained.step(breaks)
    assert all(map(torch.equal, trained.state(), before))
    trained.step()
    assert not all(map(torch.equal, trained.state(), before)), "training goes on"
    assert all(torch.isfinite(tensor).all() for tensor in trained.state())
    assert (trained.model.guard.skipped, trained.model.guard.not_finite) == (1, {"asr_fr": 1})
    kind = "gradient" if breaks is broken_gradient else "loss"
    assert f"The step was skipped: the {kind} of asr_fr is not finite." in caplog.text


@pytest.mark.parametrize("name", ["two batches", "three batches"])
@pytest.mark.parametrize("part", [0, 1])
@pytest.mark.parametrize("breaks", [infinite_loss, broken_gradient])
def test_a_part_that_only_weights_come_from_stops_the_step_too(name, part, breaks):
    trained = Trained(SETTINGS[name])
    trained.step()
    before = trained.state()
    trained.step(OnceIn(breaks, part))
    assert all(map(torch.equal, trained.state(), before))
    trained.model.guard.close_epoch(CPU)
    assert trained.model.guard.not_finite == {"asr_fr": 1}


@pytest.mark.parametrize("conf", [None, SOUP])
def test_one_broken_mini_batch_of_several_spoils_its_step_alone(conf, caplog):
    trained = Trained(conf, accum_grad=2)
    trained.step()
    before = trained.state()
    trained.step(nan, None)
    assert all(map(torch.equal, trained.state(), before))
    trained.step(None, None)
    trained.step(None, broken_gradient)
    trained.model.guard.close_epoch(CPU)
    assert trained.model.guard.describe() == "2 (asr_fr: 2)"
    trained.model.guard.open_epoch(2)
    assert (trained.model.guard.skipped, trained.model.guard.not_finite) == (0, {})


def test_a_broken_step_leaves_no_trace_in_the_statistics_of_batchnorm():
    conf = {"output_size": 8, "attention_heads": 2, "num_blocks": 1, "linear_units": 16,
            "input_layer": "linear", "dropout_rate": 0.0, "cnn_module_kernel": 3}  # fmt: skip
    trained = Trained(None, encoder="conformer", encoder_conf=conf, encoding="pooled")
    trained.step()
    before = {name: value.clone() for name, value in trained.model.named_buffers()}
    assert any("running_var" in name for name in before)
    batch = make_toy_batch()
    batch["speech"][0] = torch.nan
    trained.model(**batch)[0].sum().backward()  # ESPnet finds out by the norm of the gradient
    trained.optimizer.zero_grad()
    after = dict(trained.model.named_buffers())
    assert all(torch.equal(after[name], value) for name, value in before.items())
    trained.step()
    assert any(not torch.equal(after[name], value) for name, value in before.items())


def test_without_an_open_epoch_nothing_is_counted(caplog):
    model = make_toy_model().train()
    for seed in range(2):
        model(**make_toy_batch(seed=seed))
    assert model.guard.skipped == 0
    assert "skipped" not in caplog.text


def scaled_run(scaler, batches):
    """Train in float32; return weights, row norms and parameters."""
    model = make_toy_model("msp", SOUP).float().train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02)
    model.soup.bind(model, optimizer)
    model.soup.open_epoch(26, 50, 1)
    for batch in batches:
        loss = model(**{**batch, "speech": batch["speech"].float()})[0]
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        scaler.step(optimizer)
        scaler.update()
        optimizer.zero_grad()
    return [model.soup.weights.values, model.soup.state.norms.mean_square(), *model.parameters()]


def test_the_scale_of_a_loss_scaler_is_in_no_weight_and_an_overflow_moves_nothing():
    batches = [make_toy_batch(seed=seed) for seed in range(4)]
    expected = scaled_run(torch.amp.GradScaler("cpu", enabled=False), batches)
    # The first step overflows: the scaler skips it, halves its scale, and the second is made.
    huge = torch.amp.GradScaler("cpu", init_scale=2.0**127, backoff_factor=2.0**-110)
    found = scaled_run(huge, [batches[3], *batches])
    assert huge.get_scale() == 2.0**17
    for tensor, other in zip(found, expected, strict=True):
        torch.testing.assert_close(tensor, other, rtol=0, atol=1e-6)
