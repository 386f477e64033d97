"""Soups under autocast: products in bfloat16, weights and rows in float32."""

import pytest
import torch

from espnet_soups.testing.toy_model import make_toy_batch, make_toy_model


def train(mode, autocast, steps=6):
    """Train in float32 with bfloat16 products, where wanted; return the soup and the losses."""
    settings = {"soup": "vm", "order": "SA", "mode": mode, "combiner_conf": {"gamma": 0.3}}
    model = make_toy_model("msp", settings).float().train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02)
    model.soup.bind(model, optimizer)
    model.soup.open_epoch(epoch=26, max_epoch=50, accum_grad=1)
    losses = []
    for seed in range(steps):
        batch = make_toy_batch(seed=seed)
        batch["speech"] = batch["speech"].float()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
            loss = model(**batch)[0]
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(float(loss.detach()))
    return model, torch.tensor(losses)


@pytest.mark.parametrize("mode", ["pipelined", "exact"])
def test_weights_under_autocast_stay_near_those_of_full_precision(mode):
    plain, plain_losses = train(mode, autocast=False)
    mixed, mixed_losses = train(mode, autocast=True)
    assert not torch.equal(plain_losses, mixed_losses), "autocast did nothing"
    torch.testing.assert_close(mixed_losses, plain_losses, rtol=0.02, atol=0.0)
    weights, expected = mixed.soup.weights.values, plain.soup.weights.values
    assert (expected - plain.soup.hierarchy.uniform()).abs().max() > 0.05
    torch.testing.assert_close(weights, expected, rtol=0.0, atol=0.02)
    assert {parameter.dtype for parameter in mixed.parameters()} == {torch.float32}
    for level in ([0, 1, 2], [3, 4]):
        assert weights[level].sum() == pytest.approx(1.0, abs=1e-6)


def test_in_half_precision_the_step_keeps_its_own_backward_pass_for_the_loss_scale():
    model = make_toy_model("msp", {"layers": ["encoder.encoders.1"]}).float().train()
    model.soup.bind(model, torch.optim.SGD(model.parameters(), lr=0.02))
    batch = make_toy_batch()
    cuts = []
    for dtype in (torch.float16, torch.bfloat16):
        with torch.autocast("cpu", dtype=dtype):
            model.soup.plan()
            model.encode(batch["speech"].float(), batch["speech_lengths"])
        cuts.append(len(model.soup._meter.cut.leaves))
    assert cuts == [0, 1]
