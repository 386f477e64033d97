"""Muon and AdamW as one optimiser, against PyTorch's two."""

import copy

import pytest
import torch

from espnet_soups.task import muon
from espnet_soups.task.muon import (
    Muon,
    check_scheduler,
    hidden_matrices,
    orthogonalise,
    split_matrices,
)
from espnet_soups.task.parameter_groups import split_groups


def network():
    torch.manual_seed(0)
    blocks = torch.nn.ModuleList(
        torch.nn.Sequential(torch.nn.LayerNorm(6), torch.nn.Linear(6, 6)) for _ in range(2)
    )
    parts = {"embed": torch.nn.Sequential(torch.nn.Linear(4, 6)), "blocks": blocks}
    encoder = torch.nn.ModuleDict(parts)
    return torch.nn.ModuleDict({"encoder": encoder, "head": torch.nn.Linear(6, 3)})


def forward(model, values):
    hidden = model["encoder"]["embed"](values)
    for block in model["encoder"]["blocks"]:
        hidden = hidden + block(hidden)
    return model["head"](hidden).square().mean()


def train(model, optimizers, steps=range(5)):
    for step in steps:
        torch.manual_seed(step)
        loss = forward(model, torch.randn(8, 4))
        model.zero_grad()
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()


def build(model, **settings):
    optimizer = Muon(model.parameters(), **settings)
    split_matrices(optimizer, hidden_matrices(model, ["encoder"]))
    return optimizer


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


@pytest.mark.parametrize("bfloat16", [True, False])
def test_it_equals_the_two_optimisers_of_pytorch(monkeypatch, bfloat16):
    monkeypatch.setattr(muon, "has_bfloat16", lambda: bfloat16)
    if not bfloat16:
        monkeypatch.setattr(torch.Tensor, "bfloat16", lambda self: self.clone())  # reference
    model = network()
    other = copy.deepcopy(model)
    settings = {"lr": 0.01, "weight_decay": 0.1}
    train(model, [build(model, **settings, betas=(0.8, 0.9))])
    matrices = [block[1].weight for block in other["encoder"]["blocks"]]
    rest = [p for p in other.parameters() if not any(p is matrix for matrix in matrices)]
    reference = torch.optim.Muon(matrices, **settings, adjust_lr_fn="match_rms_adamw")
    train(other, [reference, torch.optim.AdamW(rest, **settings, betas=(0.8, 0.9))])
    for (name, found), expected, start in zip(
        model.named_parameters(), other.parameters(), network().parameters(), strict=True
    ):
        moved = (expected - start).norm()
        assert moved > 0, name
        assert (found - expected).norm() < (0.01 if bfloat16 else 1e-4) * moved, name


@pytest.mark.parametrize("shape", [(6, 6), (3, 7), (7, 3)])
def test_matrices_of_either_shape_follow_pytorch(shape):
    torch.manual_seed(0)
    found = [torch.nn.Parameter(torch.randn(shape)) for _ in range(3)]
    found.append(torch.nn.Parameter(torch.randn(shape).T.contiguous()))
    found.append(torch.nn.Parameter(torch.randn(1, shape[0] * shape[1])))  # as many numbers
    expected = copy.deepcopy(found)
    optimizer = Muon([{"params": found, "matrices": True}], lr=0.1)
    reference = torch.optim.Muon(
        expected, lr=0.1, weight_decay=0.01, adjust_lr_fn="match_rms_adamw"
    )
    for _ in range(3):
        for one, other in zip(found, expected, strict=True):
            one.grad = torch.randn_like(one)
            other.grad = one.grad.clone()
        found[1].grad = expected[1].grad = None  # has no objective in this step
        optimizer.step()
        reference.step()
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, atol=5e-3, rtol=0.0)


def test_singular_values_become_one_and_directions_stay(monkeypatch):
    monkeypatch.setattr(muon, "has_bfloat16", lambda: False)
    torch.manual_seed(0)
    matrices = torch.randn(4, 5, 9) * torch.tensor([1e-4, 1.0, 3.0, 1e4])[:, None, None]
    left, _, right = torch.linalg.svd(matrices, full_matrices=False)
    turned = left.mT @ orthogonalise(matrices) @ right.mT
    values = turned.diagonal(dim1=1, dim2=2)
    assert values.min() > 0.5
    assert values.max() < 1.5
    torch.testing.assert_close(turned, torch.diag_embed(values), atol=1e-5, rtol=0.0)


def test_it_goes_on_from_its_state():
    whole, model = network(), network()
    train(whole, [build(whole)])
    optimizer = build(model)
    train(model, [optimizer], range(2))
    resumed = build(model)
    resumed.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    train(model, [resumed], range(2, 5))
    assert same(model, whole)


def test_parts_keep_their_rates_and_groups_their_weight_decay():
    model = network()
    optimizer = Muon(
        [
            {"params": [p for p in model.parameters() if p.ndim == 2]},
            {"params": [p for p in model.parameters() if p.ndim == 1], "weight_decay": 0.0},
        ],
        lr=0.1,
    )
    split_matrices(optimizer, hidden_matrices(model, ["encoder"]))
    split_groups(optimizer, {id(p) for p in model["encoder"].parameters()}, 0.5, 1.0)
    found = [(g["matrices"], g["lr"], g["weight_decay"]) for g in optimizer.param_groups]
    assert found == [
        (True, 0.05, 0.01),
        (False, 0.05, 0.01),
        (False, 0.1, 0.01),
        (False, 0.05, 0.0),
        (False, 0.1, 0.0),
    ]
    train(model, [optimizer], range(1))


def test_one_scheduler_moves_both_rates():
    model = network()
    optimizer = build(model, lr=0.1)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.5)
    train(model, [optimizer], range(1))
    scheduler.step()
    assert {group["lr"] for group in optimizer.param_groups} == {0.05}


def test_bad_settings_are_refused():
    with pytest.raises(ValueError, match="Invalid learning rate"):
        Muon(network().parameters(), lr=-1.0)
    with pytest.raises(ValueError, match=r"at least 0 and below 1, not 1\.5"):
        Muon(network().parameters(), momentum=1.5)


def test_a_scheduler_that_cycles_the_momentum_is_refused():
    check_scheduler("onecyclelr", {"cycle_momentum": False})
    check_scheduler(None, {})
    with pytest.raises(ValueError, match=r"onecyclelr` changes .* add `cycle_momentum: false`"):
        check_scheduler("onecyclelr", {"max_lr": 1.0})
