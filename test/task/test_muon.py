"""Muon and AdamW as one optimiser, against PyTorch's two."""

import copy

import pytest
import torch

from espnet_soups.task.muon import Muon, hidden_matrices, split_matrices
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


def test_it_equals_the_two_optimisers_of_pytorch():
    model = network()
    other = copy.deepcopy(model)
    settings = {"lr": 0.01, "weight_decay": 0.1}
    train(model, [build(model, **settings, betas=(0.8, 0.9))])
    matrices = [block[1].weight for block in other["encoder"]["blocks"]]
    rest = [p for p in other.parameters() if not any(p is matrix for matrix in matrices)]
    muon = torch.optim.Muon(matrices, **settings, adjust_lr_fn="match_rms_adamw")
    train(other, [muon, torch.optim.AdamW(rest, **settings, betas=(0.8, 0.9))])
    assert same(model, other)
    assert not same(model, network())


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


def test_bad_settings_are_refused_by_pytorch():
    with pytest.raises(ValueError, match="Learning rate should"):
        Muon(network().parameters(), lr=-1.0)
