from argparse import Namespace

import pytest
import torch

from espnet_soups.task.parameter_groups import scale_learning_rates, split_groups


class Network(torch.nn.Module):
    shared_modules = ("encoder",)

    def __init__(self):
        super().__init__()
        self.encoder = torch.nn.Linear(2, 2)
        self.heads = torch.nn.Linear(2, 2)


def build(scheduler="warmuplr", backbone=0.1, heads=2.0, **conf):
    network = Network()
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.01)
    args = Namespace(
        backbone_lr_scale=backbone,
        heads_lr_scale=heads,
        scheduler=scheduler,
        scheduler_conf=conf,
    )
    scale_learning_rates(args, network, optimizer)
    return network, optimizer, args


def test_backbone_and_heads_get_rates_of_their_own_in_one_optimiser():
    network, optimizer, _ = build()
    assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([0.001, 0.02])
    members = [{id(p) for p in group["params"]} for group in optimizer.param_groups]
    parts = (network.encoder, network.heads)
    assert members == [{id(p) for p in part.parameters()} for part in parts]
    before = [part.weight.detach().clone() for part in parts]
    network.heads(network.encoder(torch.ones(1, 2))).sum().backward()
    optimizer.step()
    moved = [
        (part.weight - old).abs().max().item() for part, old in zip(parts, before, strict=True)
    ]
    assert moved == pytest.approx(
        [0.001, 0.02], rel=0.05
    )  # Adam's first step is as long as its rate


def test_groups_without_weight_decay_are_split_and_keep_their_settings():
    network = Network()
    optimizer = torch.optim.AdamW(
        [
            {"params": [network.encoder.weight, network.heads.weight]},
            {"params": [network.encoder.bias], "weight_decay": 0.0},
        ],
        lr=0.1,
    )
    factors = split_groups(optimizer, {id(p) for p in network.encoder.parameters()}, 0.5, 1.0)
    assert factors == [0.5, 1.0, 0.5]
    assert [group["weight_decay"] for group in optimizer.param_groups] == [0.01, 0.01, 0.0]


def test_one_cycle_keeps_the_ratio_and_can_be_resumed():
    def start():
        _, optimizer, args = build("onecyclelr", max_lr=0.01, total_steps=10, cycle_momentum=False)
        scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, **args.scheduler_conf)
        return optimizer, scheduler

    optimizer, scheduler = start()
    rates = []
    for step in range(9):
        rates.append([group["lr"] for group in optimizer.param_groups])
        assert rates[-1][1] == pytest.approx(20 * rates[-1][0])
        optimizer.step()
        scheduler.step()
        if step == 4:
            saved = optimizer.state_dict(), scheduler.state_dict()
    assert max(rate for rate, _ in rates) == pytest.approx(0.001)
    other, resumed = start()
    other.load_state_dict(saved[0])
    resumed.load_state_dict(saved[1])
    for _ in range(4):
        other.step()
        resumed.step()
    assert [g["lr"] for g in other.param_groups] == [g["lr"] for g in optimizer.param_groups]


def test_equal_scales_leave_the_optimiser_as_it_is():
    _, optimizer, args = build(backbone=1.0, heads=1.0, max_lr=1.0)
    assert len(optimizer.param_groups) == 1
    assert args.scheduler_conf == {"max_lr": 1.0}


@pytest.mark.parametrize(
    ("scheduler", "backbone", "said"),
    [
        ("warmuplr", 0.0, "`backbone_lr_scale` must be positive, but got 0.0"),
        ("exponentialdecaywarmup", 0.5, "one learning rate for all parameters"),
    ],
)
def test_what_cannot_be_scaled_is_refused(scheduler, backbone, said):
    with pytest.raises(ValueError, match=said):
        build(scheduler, backbone)
